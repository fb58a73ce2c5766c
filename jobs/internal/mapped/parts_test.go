package mapped

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats"
)

// viewed sets rows, of a file whose first section has their numbers.
func viewed(p *Part[string], sections [][]byte) string {
	if _, err := fmt.Sscan(string(sections[0]), &p.Lo, &p.Hi); err != nil {
		return "no rows"
	}
	p.Data = string(sections[0])
	return ""
}

func partFile(t testing.TB, text string) string {
	t.Helper()
	return writeFile(t, write(t, []byte(text)))
}

func opener(trusted bool) func(string) (Part[string], error) {
	return func(path string) (Part[string], error) { return OpenPart(path, testKind(1), trusted, viewed) }
}

func fitsAll(*Part[string]) error { return nil }

// TestParts finds the part of each row, of files of any ranges given in any order.
func TestParts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ends := rapid.SliceOfNDistinct(rapid.IntRange(1, 3*MaxBlocks), 0, 9, rapid.ID[int]).Draw(rt, "ends")
		slices.Sort(ends)
		var paths []string
		rows, want := 0, make([]string, 3*MaxBlocks+9)
		for _, end := range ends {
			if rapid.Bool().Draw(rt, "file") {
				text := fmt.Sprint(rows, end)
				paths = append(paths, partFile(t, text))
				for i := rows; i < end; i++ {
					want[i] = text
				}
			}
			rows = end
		}
		rows += rapid.SampledFrom([]int{0, 9}).Draw(rt, "behind")
		if len(paths) > 0 {
			paths = rapid.Permutation(paths).Draw(rt, "paths")
		}
		p, err := OpenParts(paths, rows, opener(rapid.Bool().Draw(rt, "trusted")), fitsAll)
		if err != nil {
			rt.Fatal(err)
		}
		for i := range rows {
			if part := p.Of(i); i < part.Lo || i >= part.Hi || part.Data != want[i] || (part.File == nil) != (want[i] == "") {
				rt.Fatalf("row %d is in %+v, want %q", i, part, want[i])
			}
		}
		next := 0
		for _, part := range p.All() {
			if part.Lo != next {
				rt.Fatalf("row %d follows %d", part.Lo, next)
			}
			next = part.Hi
		}
		if blocks := rows>>p.Shift() + 1; next != rows || blocks > MaxBlocks+1 {
			rt.Fatalf("%d of %d rows, %d blocks", next, rows, blocks)
		}
		if err := p.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}

func TestOnePart(t *testing.T) {
	p := OnePart(3, "all")
	for i := range 3 {
		if part := p.Of(i); part.Data != "all" || part.Lo != 0 || part.Hi != 3 {
			t.Errorf("row %d is in %+v", i, part)
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestPartsErrors(t *testing.T) {
	low, high, foreign, wrong := partFile(t, "0 5"), partFile(t, "4 8"),
		writeFile(t, bytes.Repeat([]byte("foreign"), 99)), partFile(t, "none")
	misfit := errors.New("is not like the others")
	for _, c := range []struct {
		paths []string
		rows  int
		fits  func(*Part[string]) error
		is    error
		want  string
	}{
		{[]string{high, low}, 9, fitsAll, nil, high + ": has row 4, which " + low + " has too"},
		{[]string{low, low}, 9, fitsAll, nil, low + ": has row 0, which " + low + " has too"},
		{[]string{high}, 7, fitsAll, nil, high + ": has row 7, of a matrix of 7 rows"},
		{[]string{low}, 9, func(*Part[string]) error { return misfit }, misfit, low + ": is not like the others"},
		{[]string{low, foreign}, 9, fitsAll, formats.ErrForeign, foreign},
		{[]string{low, wrong}, 9, fitsAll, formats.ErrDamaged, wrong + ": " + formats.ErrDamaged.Error() + ": no rows"},
		{[]string{low, "none"}, 9, fitsAll, fs.ErrNotExist, "none"},
	} {
		_, err := OpenParts(c.paths, c.rows, opener(false), c.fits)
		if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

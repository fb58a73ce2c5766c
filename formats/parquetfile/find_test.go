package parquetfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/table"
)

// owned is a row of which several have the same owner.
type owned struct {
	owner string
	id    int64
	words [][]byte
	rank  int32
}

func ownedColumns() table.Columns[owned] {
	return table.Columns[owned]{
		table.String("owner", func(r *owned) string { return r.owner }, func(r *owned, v string) { r.owner = v }),
		table.Int64("id", func(r *owned) int64 { return r.id }, func(r *owned, v int64) { r.id = v }),
		table.Texts("words", func(r *owned) [][]byte { return r.words }, func(r *owned, v [][]byte) {
			for _, b := range v {
				r.words = append(r.words, bytes.Clone(b))
			}
		}),
		table.Int32("rank", func(r *owned) int32 { return r.rank }, func(r *owned, v int32) { r.rank = v }),
	}
}

func sameOwned(a, b owned) bool {
	return a.owner == b.owner && a.id == b.id && a.rank == b.rank && slices.EqualFunc(a.words, b.words, bytes.Equal)
}

// saveOwned writes rows in row groups of so many.
func saveOwned(t tester, path string, rows []owned, group int) {
	t.Helper()
	var buf bytes.Buffer
	w, err := Create(&buf, ownedColumns())
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		if i > 0 && i%group == 0 {
			if err := errors.Join(w.flush(), w.target.open()); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), os.WriteFile(path, buf.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// TestFind compares what is found with a look at all rows, whatever their order and the size of row groups.
func TestFind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.parquet")
	rapid.Check(t, func(t *rapid.T) {
		rows := make([]owned, rapid.IntRange(0, 60).Draw(t, "rows"))
		for i := range rows {
			rows[i] = owned{
				owner: rapid.SampledFrom([]string{"", "a", "b", "größer"}).Draw(t, "owner"), id: rapid.Int64Range(-2, 3).Draw(t, "id"),
				words: [][]byte{[]byte("x"), fmt.Append(nil, i)}[:i%3], rank: int32(i),
			}
		}
		if rapid.Bool().Draw(t, "many") {
			rows = slices.Repeat(rows, 300)
		}
		if rapid.Bool().Draw(t, "sorted") {
			slices.SortStableFunc(rows, func(a, b owned) int { return bytes.Compare([]byte(a.owner), []byte(b.owner)) })
		}
		saveOwned(t, path, rows, rapid.SampledFrom([]int{1 << 20, 5, 7000}).Draw(t, "group")+len(rows)/20)
		owner, id := rapid.SampledFrom([]string{"", "a", "b", "c", "größer"}).Draw(t, "find"), rapid.Int64Range(-3, 4).Draw(t, "id")
		most := rapid.SampledFrom([]int{1 << 20, 1, 3}).Draw(t, "most")
		checkFound(t, path, "owner", owner, rows, most, func(r owned) bool { return r.owner == owner })
		checkFound(t, path, "id", id, rows, most, func(r owned) bool { return r.id == id })
	})
}

func checkFound[K string | int64](t *rapid.T, path, column string, value K, rows []owned, most int, is func(owned) bool) {
	var want, got []owned
	for _, r := range rows {
		if is(r) && len(want) < most {
			want = append(want, r)
		}
	}
	err := Find(path, ownedColumns(), column, value, func(r *owned) bool {
		got = append(got, *r)
		return len(got) < most
	})
	if err != nil || !slices.EqualFunc(got, want, sameOwned) {
		t.Fatalf("%s %v: %d rows, expected %d: %v\n%v\n%v", column, value, len(got), len(want), err, got, want)
	}
	ranks := 0
	err = Find(path, ownedColumns()[3:], column, value, func(*owned) bool { ranks++; return true })
	if all := len(slices.DeleteFunc(slices.Clone(rows), func(r owned) bool { return !is(r) })); err != nil || ranks != all {
		t.Fatalf("without the column: %d rows of %d, %v", ranks, all, err)
	}
}

// TestFindReadsLittle damages row groups that need not be read: nobody sees it.
func TestFindReadsLittle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.parquet")
	rows := make([]owned, 3000)
	for i := range rows {
		rows[i] = owned{owner: fmt.Sprintf("u%04d", i/3), id: int64(i), rank: int32(i)}
	}
	saveOwned(t, path, rows, 500)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := openSource(path)
	if err != nil {
		t.Fatal(err)
	}
	for g := range s.raw.NumRowGroups() {
		chunk, err := s.raw.MetaData().RowGroup(g).ColumnChunk(0)
		if err != nil {
			t.Fatal(err)
		}
		from := chunk.DataPageOffset()
		if chunk.HasDictionaryPage() {
			from = chunk.DictionaryPageOffset()
		}
		if size := s.raw.MetaData().RowGroup(g).TotalByteSize(); g != 2 {
			clear(data[from : from+min(size, 40)])
		}
	}
	if err := errors.Join(s.Close(), os.WriteFile(path, data, 0o600)); err != nil {
		t.Fatal(err)
	}
	found := 0
	if err := Find(path, ownedColumns(), "owner", "u0400", func(*owned) bool { found++; return true }); err != nil || found != 3 {
		t.Errorf("%d rows, %v", found, err)
	}
	if err := Find(path, ownedColumns(), "owner", "u0400x", func(*owned) bool { return true }); err != nil {
		t.Errorf("in none of the row group: %v", err)
	}
	if err := Find(path, ownedColumns(), "owner", "u0001", func(*owned) bool { return true }); err == nil {
		t.Error("a damaged row group was not read")
	}
}

// TestFindErrors asks for what is not there, or of another type.
func TestFindErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.parquet")
	saveOwned(t, path, nil, 1)
	visit := func(*owned) bool { return true }
	var col *table.ColumnError
	for column, want := range map[string]string{"absent": "", "rank": "int32", "words": "list of utf8", "id": "int64"} {
		if err := Find(path, ownedColumns(), column, "x", visit); !errors.As(err, &col) || col.Got != want || col.Want != "utf8" {
			t.Errorf("%s: %v", column, err)
		}
	}
	wrong := table.Columns[owned]{table.Int64[owned]("owner", nil, nil)}
	if err := Find(path, wrong, "id", int64(1), visit); !errors.As(err, &col) || col.Column != "owner" {
		t.Error(err)
	}
	if err := Find(path, nil, "id", int64(1), visit); !errors.Is(err, table.ErrColumns) {
		t.Error(err)
	}
	if err := Find(path, ownedColumns(), "id", int64(1), visit); err != nil {
		t.Error(err)
	}
	if err := Find(filepath.Join(t.TempDir(), "absent"), ownedColumns(), "id", int64(1), visit); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Find(path, ownedColumns(), "id", int64(1), visit); !errors.Is(err, formats.ErrForeign) {
		t.Error(err)
	}
}

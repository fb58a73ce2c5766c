package jsonl_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/formats/jsonl"
	"github.com/shardmill/shardmill/formats/text"
)

func Example() {
	text := "{\"user\": 7, \"tags\": [1, 2], \"item\": \"caf\\u00e9\"}\n{\"user\": 8\n{\"item\": null}\n"
	r, err := jsonl.NewReader(strings.NewReader(text), "a.jsonl", jsonl.Options{Columns: []string{"user", "item"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for {
		var row jsonl.Row
		err := r.Read(&row)
		var bad *jsonl.RowError
		switch {
		case errors.Is(err, io.EOF):
			return
		case errors.As(err, &bad):
			fmt.Println(bad)
		case err != nil:
			fmt.Println(err)
			return
		default:
			user, item := row.Values[0], row.Values[1]
			fmt.Println(row.Line, user.Kind == jsonl.Absent, string(user.Text), item.Kind == jsonl.Null, string(item.Text))
		}
	}
	// Output:
	// 1 false 7 false café
	// a.jsonl:2: not valid JSON: it ends too early
	// 3 true  true
}

// TestLargeFile reads what encoding/json wrote, over many buffers, whole and in parts.
func TestLargeFile(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	var want []string
	for i := range 20_000 {
		note := strings.Repeat("line\n\"é\" ", rng.IntN(10))
		if i%500 == 0 {
			b.WriteString("\r\n")
			note = strings.Repeat("long ", 60_000/5)
		}
		line, err := json.Marshal(map[string]any{"id": i, "note": note, "deep": map[string][]int{"x": {1, 2}}})
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
		want = append(want, fmt.Sprintf("%d %s", i, note))
	}
	data := bytes.NewReader(b.Bytes())
	for _, parts := range []int64{1, 2, 7, 100} {
		cut := func(i int64) int64 { return data.Size() * i / parts }
		scans := make([]text.Scanned, parts)
		for i := range parts {
			var err error
			if scans[i], err = text.ScanReader(io.NewSectionReader(data, cut(i), cut(i+1)-cut(i))); err != nil {
				t.Fatal(err)
			}
		}
		starts := text.Starts(text.Position{Line: 1}, scans)
		var got []string
		last := int64(0)
		for i, from := range starts[:parts] {
			src := io.NewSectionReader(data, from.Offset, data.Size()-from.Offset)
			r, err := jsonl.NewPartReader(src, "a", from, cut(int64(i)+1), jsonl.Options{Columns: []string{"id", "note"}})
			if err != nil {
				t.Fatal(err)
			}
			var row jsonl.Row
			for err = r.Read(&row); err == nil; err = r.Read(&row) {
				if row.Line <= last {
					t.Fatalf("line %d after line %d", row.Line, last)
				}
				last = row.Line
				got = append(got, fmt.Sprintf("%s %s", row.Values[0].Text, row.Values[1].Text))
			}
			if !errors.Is(err, io.EOF) || r.Position() != starts[i+1] {
				t.Fatalf("%+v, want %+v, %v", r.Position(), starts[i+1], err)
			}
		}
		line := starts[parts].Line
		if !slices.Equal(got, want) || last != line-1 {
			t.Fatalf("%d parts: %d rows to line %d, want %d to line %d", parts, len(got), last, len(want), line-1)
		}
	}
}

package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestInputs(t *testing.T) {
	in := input{rows: 1000, words: 1200}
	var ratings, words bytes.Buffer
	for b, write := range map[*bytes.Buffer]func(*bufio.Writer) error{&ratings: in.ratings, &words: in.text} {
		w := bufio.NewWriter(b)
		if err := write(w); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := csv.NewReader(&ratings).ReadAll()
	if err != nil || len(rows) != 1+in.rows || strings.Join(rows[0], " ") != "user item rating score" {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, r := range rows[1:] {
		if score, err := strconv.ParseFloat(r[3], 64); err != nil || score < 0 || score > 1 {
			t.Errorf("row %v", r)
		}
	}
	if lines, all := strings.Count(words.String(), "\n"), len(strings.Fields(words.String())); lines != 100 || all != in.words {
		t.Errorf("%d lines with %d words", lines, all)
	}
}

// The profile that is shipped is of what it is meant for.
func TestProfile(t *testing.T) {
	f, err := os.Open(filepath.Join("..", "..", "cmd", "shardmill", "default.pgo"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"jobs/rank.(*ranking).fill", "jobs/wordcount.", "internal/shuffle.(*Sender)", "formats/delimited.(*Reader)"} {
		if !bytes.Contains(b, []byte("github.com/shardmill/shardmill/"+name)) && !bytes.Contains(b, []byte(name)) {
			t.Errorf("nothing is known of %s", name)
		}
	}
}

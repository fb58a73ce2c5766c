package mapreduce_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/shardmill/shardmill/mapreduce"
)

// jsonl is a dataset of JSON lines: the format that the test jobs use for everything.
func jsonl[R any](name string) mapreduce.Dataset[R] {
	return mapreduce.Dataset[R]{
		Name: name, Ext: "jsonl",
		Create: func(_ *mapreduce.Env, w io.Writer) (mapreduce.Sink[R], error) {
			return jsonSink[R]{json.NewEncoder(w)}, nil
		},
		Open: func(_ *mapreduce.Env, path string) (mapreduce.Reader[R], error) {
			f, err := os.Open(path)
			if err != nil {
				return nil, err
			}
			return jsonReader[R]{f, json.NewDecoder(bufio.NewReader(f))}, nil
		},
	}
}

type jsonSink[R any] struct{ e *json.Encoder }

func (s jsonSink[R]) Write(r R) error { return s.e.Encode(r) }

func (jsonSink[R]) Close() error { return nil }

type jsonReader[R any] struct {
	f *os.File
	d *json.Decoder
}

func (r jsonReader[R]) Read(v *R) error { return r.d.Decode(v) }

func (r jsonReader[R]) Close() error { return r.f.Close() }

func options() mapreduce.Options {
	return mapreduce.Options{
		Rejects:     jsonl[mapreduce.Reject]("rejects"),
		RejectParts: jsonl[mapreduce.Reject]("rejects"),
		Count: map[string]func(string) (int64, error){"jsonl": func(path string) (int64, error) {
			b, err := os.ReadFile(path)
			return int64(bytes.Count(b, []byte("\n"))), err
		}},
	}
}

// line is an input row of the test jobs.
type line struct {
	File string
	No   int64
	Text string
	Size int64 // of the file, for Changed
	held string
}

func (l *line) Origin() mapreduce.Origin {
	return mapreduce.Origin{Input: l.File, Line: l.No, ID: l.File, Record: l.Text}
}

// Changed looks at the file that a line of the form "file PATH" names.
func (l *line) Changed() (string, bool) {
	path, ok := strings.CutPrefix(l.Text, "file ")
	if !ok {
		return "", false
	}
	info, err := os.Stat(path)
	return path, err != nil || info.Size() != l.Size
}

// lineSource reads text files into shards of some rows. A line that is not UTF-8, here one with "\xff", is a reject.
func lineSource(shardRows int64) *mapreduce.Source[line] {
	return &mapreduce.Source[line]{
		Shards: jsonl[line](""),
		Target: mapreduce.Target{Rows: shardRows, Bytes: 1 << 10},
		List: func(ctx context.Context, l *mapreduce.Lister) error {
			for _, in := range l.Inputs() {
				err := l.Walk(ctx, in, func(e mapreduce.Entry) error { return l.File(e.Name, e.Path) })
				if err != nil {
					return err
				}
			}
			return l.Meta("told by the source")
		},
		Read: readLines,
	}
}

func readLines(_ context.Context, _ *mapreduce.Env, rg mapreduce.Range, rows *mapreduce.Rows[line]) (err error) {
	f, err := rows.Open(rg.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	s := bufio.NewScanner(f)
	for n := int64(1); s.Scan(); n++ {
		l := line{File: rg.Name, No: n, Text: s.Text()}
		if path, ok := strings.CutPrefix(l.Text, "file "); ok {
			if info, err := os.Stat(path); err == nil {
				l.Size = info.Size()
			}
		}
		if strings.Contains(l.Text, "\xff") {
			err = rows.Reject(mapreduce.Origin{Input: rg.Name, Line: n}, errors.New("not text"))
		} else {
			err = rows.Row(l)
		}
		if err != nil {
			return err
		}
	}
	return s.Err()
}

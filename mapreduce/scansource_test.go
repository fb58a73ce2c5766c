package mapreduce_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/mapreduce"
)

// number is an input row of the job "numbers": a line of a file.
type number struct {
	File string
	Line int64
	Text string
}

func (n *number) Origin() mapreduce.Origin {
	return mapreduce.Origin{Input: n.File, Line: n.Line, Record: n.Text}
}

var errRefused = errors.New("a.txt: no such column")

// numbersParams are the parameters of the job "numbers".
type numbersParams struct {
	InPlace bool
	Bytes   int64  // of a range that is scanned
	Whole   string // files are scanned as a whole: "unknown" does not count their lines, "chunks" reads them by tens
	Wrong   bool   // Cut counts a line too many
	Refuses string // Cut fails: "input" with an error of the input, "bug" with any other
}

// numbersJob keeps the numbers of text files and sums them by their last digit. Lines that are no numbers are poison, see
// act; a line with "\xff" cannot be read.
func numbersJob() mapreduce.Job {
	return mapreduce.New("numbers", 1, numbersParams{Bytes: 64}, func(p numbersParams) ([]mapreduce.Stage, error) {
		kept, sums := jsonl[number]("kept"), jsonl[count]("sums")
		kept.Stands = func(n *number) bool { // the others are dropped
			_, err := strconv.ParseInt(n.Text, 10, 64)
			return err == nil || strings.HasPrefix(n.Text, "!")
		}
		digits := wordStream("digits", &sums)
		digits.Combine = nil
		m := mapreduce.MapFunc[number](func(_ context.Context, i int, n *number, out *mapreduce.Out) error {
			kept.Write(out, i, *n) // also of rows that turn out bad: it has to be taken back
			v, err := strconv.ParseInt(n.Text, 10, 64)
			if err == nil {
				digits.Emit(out, i, fmt.Sprint(v%10), v)
				return nil
			}
			if kind, ok := strings.CutPrefix(n.Text, "!"); ok {
				return act(kind)
			}
			out.Drop(i, "no number")
			return nil
		})
		newMapper := func(_ context.Context, env *mapreduce.Env) (mapreduce.Mapper[number], error) {
			var lines int64
			if err := env.Meta(&lines); err != nil || lines == 0 {
				return nil, fmt.Errorf("meta: %d lines: %w", lines, err)
			}
			return m, nil
		}
		st := mapreduce.NewStage("sum", numberSource(p), 4, newMapper, digits, &kept)
		return []mapreduce.Stage{st}, nil
	})
}

// scannedLines is what is found in a range of a file.
type scannedLines struct {
	Ends  int64 // line ends
	First int64 // offset behind the first of them, 0 if there is none
	Ended bool  // the last byte is one
}

func numberSource(p numbersParams) *mapreduce.Source[number] {
	return &mapreduce.Source[number]{
		Shards:  jsonl[number](""),
		Target:  mapreduce.Target{Bytes: p.Bytes, Rows: 20},
		Size:    func(n *number) int64 { return int64(len(n.Text)) + 1 },
		InPlace: p.InPlace,
		List: func(ctx context.Context, l *mapreduce.Lister) error {
			if err := l.Meta(-1); err != nil {
				return err
			}
			for _, in := range l.Inputs() {
				err := l.Walk(ctx, in, func(e mapreduce.Entry) error {
					if p.Whole != "" {
						return l.File(e.Name, e.Path)
					}
					return l.Parts(e.Name, e.Path)
				})
				if err != nil {
					return err
				}
			}
			return nil
		},
		Scan: func(_ context.Context, env *mapreduce.Env, rg mapreduce.Range, in *mapreduce.Scan) (any, error) {
			var listed int64
			if err := env.Meta(&listed); err != nil || listed != -1 {
				return nil, fmt.Errorf("the scan's meta is %d: %w", listed, err)
			}
			if p.Whole == "" {
				return scanLines(rg, in)
			}
			b, err := os.ReadFile(rg.Path)
			return scannedLines{Ends: int64(bytes.Count(b, []byte("\n")))}, err
		},
		Cut: func(env *mapreduce.Env, files iter.Seq[[]mapreduce.Scanned], c *mapreduce.Cutter) error {
			all := int64(1)
			for file := range files {
				switch p.Refuses {
				case "input":
					return mapreduce.BadInput(errRefused)
				case "bug":
					return errRefused
				}
				lines, err := cutLines(p, file, c)
				if err != nil {
					return err
				}
				all += lines
			}
			return c.Meta(all)
		},
		Read: func(ctx context.Context, env *mapreduce.Env, rg mapreduce.Range, rows *mapreduce.Rows[number]) error {
			if p.Whole == "chunks" {
				return readChunk(rg, rows)
			}
			return readNumbers(rg, rows)
		},
	}
}

func scanLines(rg mapreduce.Range, in *mapreduce.Scan) (s scannedLines, err error) {
	r, err := in.Open()
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	b, err := io.ReadAll(r)
	s.Ends = int64(bytes.Count(b, []byte("\n")))
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		s.First = rg.Lo + int64(i) + 1
	}
	s.Ended = bytes.HasSuffix(b, []byte("\n"))
	return s, err
}

// cutLines passes the ranges of one file, and returns its line ends.
func cutLines(p numbersParams, file []mapreduce.Scanned, c *mapreduce.Cutter) (int64, error) {
	var before int64 // line ends
	start := true    // the range begins with a line
	for _, s := range file {
		var found scannedLines
		if err := s.Decode(&found); err != nil {
			return 0, err
		}
		switch p.Whole {
		case "unknown":
			return found.Ends, c.Range(s, mapreduce.Range{Line: 1, Rows: -1})
		case "chunks":
			return found.Ends, cutChunks(s, found.Ends, c)
		}
		rg := mapreduce.Range{Offset: found.First, Line: before + 2, Rows: found.Ends}
		if start {
			rg.Offset, rg.Line, rg.Rows = s.Range.Lo, before+1, rg.Rows+1
		}
		if found.Ended || s.Range.Hi == s.Range.Lo {
			rg.Rows--
		}
		if rg.Rows <= 0 {
			rg.Offset, rg.Rows = s.Range.Hi, 0
		}
		if p.Wrong {
			rg.Rows++
		}
		if err := c.Range(s, rg); err != nil {
			return 0, err
		}
		before += found.Ends
		start = found.Ended || start && s.Range.Hi == s.Range.Lo
	}
	return before, nil
}

// cutChunks passes ranges of ten lines: lines [Lo, Hi), counted from 0.
func cutChunks(s mapreduce.Scanned, lines int64, c *mapreduce.Cutter) error {
	for lo := int64(0); lo < lines; lo += 10 {
		hi := min(lo+10, lines)
		if err := c.Range(s, mapreduce.Range{Lo: lo, Hi: hi, Rows: hi - lo, Bytes: 10}); err != nil {
			return err
		}
	}
	return nil
}

func readChunk(rg mapreduce.Range, rows *mapreduce.Rows[number]) error {
	b, err := os.ReadFile(rg.Path)
	if err != nil {
		return err
	}
	lines := strings.SplitAfter(string(b), "\n")
	for n := rg.Lo; n < rg.Hi; n++ {
		if err := passLine(rg.Name, n+1, strings.TrimSuffix(lines[n], "\n"), rows); err != nil {
			return err
		}
	}
	return nil
}

func readNumbers(rg mapreduce.Range, rows *mapreduce.Rows[number]) (err error) {
	f, err := rows.OpenRange(rg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r := bufio.NewReader(f)
	for at, n := rg.Offset, rg.Line; at < rg.Hi || rg.Hi == 0; n++ {
		text, err := r.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if text == "" {
			return nil
		}
		at += int64(len(text))
		if err := passLine(rg.Name, n, strings.TrimSuffix(text, "\n"), rows); err != nil {
			return err
		}
	}
	return nil
}

func passLine(file string, n int64, text string, rows *mapreduce.Rows[number]) error {
	if strings.Contains(text, "\xff") {
		return rows.Reject(mapreduce.Origin{Input: file, Line: n}, errors.New("not text"))
	}
	return rows.Row(number{File: file, Line: n, Text: text})
}

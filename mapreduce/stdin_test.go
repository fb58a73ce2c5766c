package mapreduce_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// listJob maps the lines of standard input, which its source makes entries of, with the place that each has.
func listJob() mapreduce.Job {
	return mapreduce.New("list", 1, struct{}{}, func(struct{}) ([]mapreduce.Stage, error) {
		src, copied := lineSource(20), jsonl[line]("copied")
		src.List = func(ctx context.Context, l *mapreduce.Lister) error {
			for _, in := range l.Inputs() {
				if !in.IsStdin() {
					return errors.New("a file")
				}
				if err := l.Stdin(ctx, func(r io.Reader) error { return listLines(r, l) }); err != nil {
					return err
				}
			}
			return nil
		}
		src.Read = func(_ context.Context, _ *mapreduce.Env, rg mapreduce.Range, rows *mapreduce.Rows[line]) error {
			return rows.Entries(rg, func(e mapreduce.Entry) error {
				task, row := rows.Place()
				if e.Name == "bad" {
					return rows.Reject(mapreduce.Origin{ID: e.Name}, errors.New("bad"))
				}
				return rows.Row(line{No: int64(task)*1e6 + row, Text: e.Name})
			})
		}
		copier := mapreduce.MapFunc[line](func(_ context.Context, i int, l *line, out *mapreduce.Out) error {
			copied.Write(out, i, *l)
			return nil
		})
		return []mapreduce.Stage{mapreduce.NewStage("copy", src, 4, copier.Mapper, &copied)}, nil
	})
}

func listLines(r io.Reader, l *mapreduce.Lister) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if lines.Text() == "end" { // the rest is read for the digest only
			return nil
		}
		if err := l.Entry(mapreduce.Entry{Name: lines.Text(), Path: "/" + lines.Text()}); err != nil {
			return err
		}
	}
	return lines.Err()
}

func fromStdin(t *testing.T, list string) mapreduce.Config {
	cfg := in(t, mapreduce.StdinName)
	cfg.Stdin = iotest.HalfReader(strings.NewReader(list))
	return cfg
}

// Standard input is read once: a job continues without it, and refuses another.
func TestStdin(t *testing.T) {
	cfg := fromStdin(t, "a\nbad\nb\nend\nnot read\n")
	cfg.MaxRejects = maxRejects(t, "1")
	mrtest.Run(t, options(), listJob(), cfg, mapreduce.ExitRejects)
	got := rows[line](t, cfg.Dir, "out/copied")
	if len(got) != 2 || got[0].Text != "a" || got[0].No != 0 || got[1].Text != "b" || got[1].No != 2 {
		t.Errorf("rows %+v", got)
	}
	for _, again := range []string{"", "a\nbad\nb\nend\nnot read\n"} {
		cfg.Stdin = strings.NewReader(again)
		mrtest.Run(t, options(), listJob(), cfg, mapreduce.ExitRejects)
	}
	for _, other := range []string{"a\n", "a\nbad\nb\nend\nnot read", "\n"} {
		cfg.Stdin = strings.NewReader(other)
		_, err := mapreduce.Run(t.Context(), options(), listJob(), cfg)
		var identity *mapreduce.IdentityError
		if !errors.As(err, &identity) || !strings.Contains(err.Error(), "standard input") {
			t.Errorf("%q: %v", other, err)
		}
	}
	cfg.Stdin = nil
	cfg.Rerun = mapreduce.Rerun{Task: "00-split/split-000000"}
	if s, err := mapreduce.Resume(t.Context(), options(), []mapreduce.Job{listJob()}, cfg); err != nil || s.Rows.Read != 3 {
		t.Errorf("rerun: %+v, %v", s.Rows, err)
	}
}

// Places are those among the rows of a task, whatever the rows before are.
func TestPlace(t *testing.T) {
	const n = 800
	cfg := fromStdin(t, strings.Repeat("a\nb\nbad\n", n))
	cfg.MaxRejects = maxRejects(t, "100%")
	mrtest.Run(t, options(), listJob(), cfg, mapreduce.ExitRejects)
	got := rows[line](t, cfg.Dir, "out/copied")
	if len(got) != 2*n {
		t.Fatalf("%d rows", len(got))
	}
	for i, r := range got {
		if want := int64(i/2*3 + i%2); r.No != want {
			t.Fatalf("row %d has the place %d, want %d", i, r.No, want)
		}
	}
}

// Lists that cannot be read leave no job directory; an input called - is a file where there is no standard input.
func TestBadStdin(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		stdin  io.Reader
		inputs []string
		want   string
	}{
		{iotest.ErrReader(broken), []string{"-"}, "broken"},
		{strings.NewReader("a\n"), []string{"-", "-"}, "standard input is given twice"},
		{nil, []string{"-"}, "no such file"},
	} {
		cfg := in(t, "")
		cfg.Stdin, cfg.Inputs = c.stdin, c.inputs
		if _, err := mapreduce.Run(t.Context(), options(), listJob(), cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
		if files := mrtest.Tree(t, cfg.Dir, "."); len(files) > 0 {
			t.Errorf("%s: there is a job directory", c.want)
		}
	}
}

// A job that is stopped while it waits for a list does not wait on, and wants all of the list when it continues.
func TestStdinInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	defer func() { _ = w.Close() }()
	go func() {
		_, _ = io.WriteString(w, "a\n")
		cancel()
	}()
	cfg := in(t, mapreduce.StdinName)
	cfg.Stdin = r
	s, err := mapreduce.Run(ctx, options(), listJob(), cfg)
	mrtest.Code(t, s, err, mapreduce.ExitInterrupted)
	cfg.Stdin = strings.NewReader("a\nb\n")
	if s := mrtest.Run(t, options(), listJob(), cfg, mapreduce.ExitComplete); s.Rows.Read != 2 {
		t.Errorf("rows %+v", s.Rows)
	}
}

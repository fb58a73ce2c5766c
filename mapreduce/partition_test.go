package mapreduce_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// rangesParams are the parameters of the job "ranges".
type rangesParams struct {
	Shape string // of the second stream: "combine", "first" or "plain"
	Wrong string // a word that is sent to no partition
	Fails bool   // the partitioner cannot be made
	Parts int
	Like  bool // the second stream has as many partitions as the first
}

// rangesJob counts words twice. Its first stage makes a dictionary in one partition, its second partitions by ranges of
// the words in it. Words are poison as in the job "words".
func rangesJob() mapreduce.Job {
	return mapreduce.New("ranges", 1, rangesParams{Shape: "combine"}, func(p rangesParams) ([]mapreduce.Stage, error) {
		dict, counts := jsonl[count]("dict"), jsonl[count]("counts")
		dict.Side = true
		src := lineSource(20)
		words, ranges := wordStream("words", &dict), wordStream("ranges", &counts)
		words.Partitions = 1
		ranges.Partition, ranges.Partitions = dictRanges(p, &dict), p.Parts
		if p.Like {
			ranges.PartitionsOf = words
		}
		switch p.Shape {
		case "first":
			ranges.Combine, ranges.First = nil, 3
		case "plain":
			ranges.Combine = nil
		}
		mapper := func(s *mapreduce.Stream[string, int64]) func(context.Context, *mapreduce.Env) (mapreduce.Mapper[line], error) {
			return func(context.Context, *mapreduce.Env) (mapreduce.Mapper[line], error) { return wordMapper{s}, nil }
		}
		second := mapreduce.NewStage("spread", src, 4, mapper(ranges), ranges)
		second.Reads = []mapreduce.Port{&dict}
		return []mapreduce.Stage{mapreduce.NewStage("count", src, 4, mapper(words), words), second}, nil
	})
}

// dictRanges partitions by the place of a word among those in the dictionary.
func dictRanges(p rangesParams, dict *mapreduce.Dataset[count]) func(context.Context, *mapreduce.Env) (func([]byte, int) int, error) {
	return func(_ context.Context, env *mapreduce.Env) (func([]byte, int) int, error) {
		if p.Fails {
			return nil, errTest
		}
		known, err := readDict(env, dict)
		if err != nil {
			return nil, err
		}
		words := slices.Sorted(maps.Keys(known))
		return func(word []byte, n int) int {
			i, ok := slices.BinarySearch(words, string(word))
			if !ok || p.Wrong == string(word) {
				return n
			}
			return i * n / len(words)
		}, nil
	}
}

// A stream has as many partitions as it asks for, and those of its partitioner follow each other in order of the keys,
// with a combiner, with First and without either, whatever the number of workers.
func TestPartition(t *testing.T) {
	inputs := mrtest.Inputs(t, text(70), text(50)+"x !panic y\n")
	for _, shape := range []string{"combine", "first", "plain"} {
		t.Run(shape, func(t *testing.T) {
			one := base(t, inputs)
			one.Params, one.Workers, one.Partitions = params(t, rangesParams{Shape: shape}), 1, 4
			s := mrtest.Run(t, options(), rangesJob(), one, mapreduce.ExitRejects)
			checkRanges(t, one.Dir, shape)
			if s.Rows.Rejected != 2 { // once in each stage
				t.Errorf("%d rejected", s.Rows.Rejected)
			}
			st, err := mapreduce.ReadStatus(one.Dir)
			if err != nil || st.Stages[1].Partitions["words"] != 1 || st.Stages[2].Partitions["ranges"] != 4 {
				t.Errorf("partitions %+v, %v", st.Stages, err)
			}
			cfg := base(t, inputs)
			cfg.Params, cfg.Partitions, cfg.Workers = one.Params, 4, 3
			mrtest.Run(t, options(), rangesJob(), cfg, mapreduce.ExitRejects)
			mrtest.SameResults(t, one.Dir, cfg.Dir)
		})
	}
}

// A stream that wants as many partitions as another has has as many, whatever else is asked for.
func TestPartitionsOf(t *testing.T) {
	cfg := base(t, mrtest.Inputs(t, text(30)))
	cfg.Params, cfg.Partitions = params(t, rangesParams{Shape: "plain", Parts: 3, Like: true}), 4
	mrtest.Run(t, options(), rangesJob(), cfg, mapreduce.ExitComplete)
	st, err := mapreduce.ReadStatus(cfg.Dir)
	if err != nil || st.Stages[2].Partitions["ranges"] != 1 {
		t.Errorf("partitions %+v, %v", st.Stages, err)
	}
}

// checkRanges checks that the parts hold all words in order, and are not much larger than one another.
func checkRanges(t *testing.T, dir, shape string) {
	t.Helper()
	var all []count
	for n := range 4 {
		part := rows[count](t, dir, filepath.Join("out/counts", fmt.Sprintf("part-%06d.jsonl", n)))
		if len(part) < 5 {
			t.Errorf("part %d has %d words", n, len(part))
		}
		all = append(all, part...)
	}
	want := map[string]int64{}
	for w := range strings.FieldsSeq(strings.ToLower(text(70) + text(50))) {
		if want[w]++; shape == "first" {
			want[w] = min(want[w], 3)
		}
	}
	if !slices.IsSortedFunc(all, func(a, b count) int { return strings.Compare(a.Word, b.Word) }) || len(all) != len(want) {
		t.Errorf("%d words, expected %d, or not in order: %v", len(all), len(want), all)
	}
	for _, c := range all {
		if c.Count != want[c.Word] {
			t.Errorf("%s: %d, expected %d", c.Word, c.Count, want[c.Word])
		}
	}
}

// Drivers that die find their way back to the same parts.
func TestKillDriverWithPartition(t *testing.T) {
	cfg := in(t, mrtest.Inputs(t, text(45)))
	cfg.Params = params(t, rangesParams{Shape: "combine", Parts: 2})
	points := mrtest.Points(t, options(), rangesJob(), cfg, mapreduce.ExitComplete)
	mrtest.Driver{Job: "ranges", Config: cfg, Code: mapreduce.ExitComplete}.Walk(t, cfg.Dir, someOf(points, 6))
}

// A partition that there is not, and a partitioner that cannot be made, fail the job with words that say which stream it is.
func TestPartitionFails(t *testing.T) {
	inputs := mrtest.Inputs(t, text(30))
	for want, p := range map[string]rangesParams{
		"stream ranges: the partitioner gives partition 2 of the key 773137, and there are 2, from 0": {Shape: "plain", Wrong: "w17", Parts: 2},
		"stream ranges: the partitioner gives partition 2 of the key 773138, and there are 2, from 0": {Shape: "combine", Wrong: "w18", Parts: 2},
		"making the partitioner of stream ranges: the test asks for it":                               {Fails: true},
	} {
		cfg := in(t, inputs)
		cfg.Params = params(t, p)
		s, err := mapreduce.Run(t.Context(), options(), rangesJob(), cfg)
		if mrtest.Code(t, s, err, mapreduce.ExitFailed); !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected %s", err, want)
		}
	}
	cfg := in(t, inputs)
	cfg.Params = params(t, rangesParams{Parts: 10001})
	_, err := mapreduce.Run(t.Context(), options(), rangesJob(), cfg)
	var usage *mapreduce.UsageError
	if !errors.As(err, &usage) || !strings.Contains(err.Error(), "stream ranges: Partitions is 10001, and must be from 0 to 10000") {
		t.Error(err)
	}
}

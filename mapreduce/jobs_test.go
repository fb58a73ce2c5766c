package mapreduce_test

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

func TestMain(m *testing.M) {
	os.Exit(mrtest.Main(m, options(), wordsJob(), rankJob(), multiJob(), probedJob(), chainJob(), measuredJob(), numbersJob(), rangesJob(), fiveJob(), looseJob(), hoardingJob()))
}

// wordsParams are the parameters of the job "words".
type wordsParams struct {
	ShardRows int64
	Batch     int
	Timeout   time.Duration
	NoCombine bool
	Fetch     bool   // by a Fetcher
	Spare     string // part of the identity and of nothing else
}

// count is a row of its dataset.
type count struct {
	Word  string
	Count int64
}

// wordsJob counts words. Some words are poison, see act.
func wordsJob() mapreduce.Job {
	defaults := wordsParams{ShardRows: 20, Batch: 4, Timeout: time.Minute}
	return mapreduce.New("words", 1, defaults, func(p wordsParams) ([]mapreduce.Stage, error) {
		counts := jsonl[count]("counts")
		words := wordStream("words", &counts)
		if p.NoCombine {
			words.Combine = nil
		}
		st := mapreduce.NewStage("count", lineSource(p.ShardRows), p.Batch,
			func(_ context.Context, env *mapreduce.Env) (mapreduce.Mapper[line], error) {
				var told string
				if err := env.Meta(&told); err != nil || told != "told by the source" {
					return nil, fmt.Errorf("meta is %q: %w", told, err)
				}
				if p.Fetch {
					return fetchingMapper{wordMapper{words}}, nil
				}
				return wordMapper{words}, nil
			}, words)
		st.Timeout = p.Timeout
		return []mapreduce.Stage{st}, nil
	})
}

// wordStream sums what is emitted for each word.
func wordStream(name string, counts *mapreduce.Dataset[count]) *mapreduce.Stream[string, int64] {
	return &mapreduce.Stream[string, int64]{
		Name: name, Key: mapreduce.String{}, Value: mapreduce.Int64{},
		Combine: func(a, b int64) int64 { return a + b },
		Reduce: func(context.Context, *mapreduce.Env) (mapreduce.Reducer[string, int64], error) {
			return wordReducer{counts}, nil
		},
		Writes: []mapreduce.Port{counts},
	}
}

// wordMapper emits words. A word "!KIND" is an act in Map, "?KIND" one in Prepare, "%KIND" one in Reduce.
type wordMapper struct {
	words *mapreduce.Stream[string, int64]
}

// fetchingMapper is one that also fetches; a word "^KIND" is an act in Fetch.
type fetchingMapper struct{ wordMapper }

func (fetchingMapper) Fetch(_ context.Context, l *line) (int64, error) {
	return int64(len(l.Text)), actAll(l, "^")
}

// actAll does what words with a prefix say.
func actAll(l *line, prefix string) error {
	for w := range strings.FieldsSeq(l.Text) {
		if kind, ok := strings.CutPrefix(w, prefix); ok {
			if err := act(kind); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m wordMapper) Prepare(_ context.Context, l *line) (int64, error) {
	if err := actAll(l, "?"); err != nil {
		return 0, err
	}
	l.held = strings.ToLower(l.Text)
	return int64(len(l.held)), nil
}

func (m wordMapper) Map(_ context.Context, batch []line, out *mapreduce.Out) error {
	for i := range batch {
		if out.Rejected(i) {
			continue
		}
		if batch[i].held == "" && batch[i].Text != "" {
			return errors.New("a row comes to Map that was not prepared")
		}
		if err := m.line(&batch[i], i, out); err != nil {
			return err
		}
	}
	return nil
}

func (m wordMapper) line(l *line, i int, out *mapreduce.Out) error {
	for w := range strings.FieldsSeq(l.held) {
		m.words.Emit(out, i, w, 1) // also of rows that turn out bad: it has to be taken back
	}
	for w := range strings.FieldsSeq(l.Text) {
		kind, ok := strings.CutPrefix(w, "!")
		if rule, drop := strings.CutPrefix(kind, "drop:"); ok && drop {
			out.Drop(i, rule)
		} else if ok {
			err := act(kind)
			if mapreduce.ClassOf(err) != mapreduce.BadRecord {
				return err
			}
			out.Reject(i, err)
		}
	}
	return nil
}

func (wordMapper) Close() error { return nil }

type wordReducer struct{ counts *mapreduce.Dataset[count] }

func (r wordReducer) Reduce(_ context.Context, word string, values iter.Seq2[string, int64], out *mapreduce.Out) error {
	kind, poison := strings.CutPrefix(word, "%")
	if late, ok := strings.CutPrefix(kind, "late:"); poison && ok {
		r.counts.Write(out, 0, count{Word: "written before " + word})
		kind = late
	}
	c := count{Word: word}
	for _, n := range values {
		c.Count += n
	}
	if poison {
		if err := errors.Join(leave(out.Scratch()), act(kind)); err != nil {
			return err
		}
	}
	r.counts.Write(out, 0, c)
	return nil
}

func (wordReducer) Close() error { return nil }

// leave leaves a file in a scratch folder.
func leave(scratch string) error {
	if scratch == "" {
		return errors.New("no scratch folder")
	}
	f, err := os.CreateTemp(scratch, "scratch-*")
	if err != nil {
		return err
	}
	return f.Close()
}

var errTest = errors.New("the test asks for it")

// act does what a poison word says. What ends with ":PATH" is done once: it leaves a file there.
func act(kind string) error {
	kind, marker, once := strings.Cut(kind, ":")
	if once {
		f, err := os.OpenFile(marker, os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, os.ErrExist) {
			return nil // done already
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	switch kind {
	case "panic":
		panic("poison")
	case "segv":
		return errors.Join(unix.Kill(os.Getpid(), unix.SIGSEGV), forever())
	case "kill":
		return errors.Join(unix.Kill(os.Getpid(), unix.SIGKILL), forever())
	case "hang":
		return forever()
	case "memory":
		return gorge()
	case "exit":
		os.Exit(7)
	case "reject":
		return &mapreduce.Error{Record: -1, Class: mapreduce.BadRecord, Err: errTest}
	case "retry":
		return mapreduce.Retry(errTest)
	case "input":
		return mapreduce.BadInput(errTest)
	case "fail":
		return errTest
	}
	return nil
}

func forever() error {
	time.Sleep(time.Hour)
	return nil
}

// gorge takes memory until this process is stopped.
func gorge() error {
	var held [][]byte
	for {
		b := make([]byte, 16<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		held = append(held, b)
		if len(held) > 1<<10 {
			return errors.New("16 GiB were not enough")
		}
	}
}

// scored is an input row of the job "rank": "ID GROUP SCORE".
type scored struct {
	ID    string
	Group uint32
	Score float64
	Rank  int64
}

// rankKey sorts by group, then score downwards, then id.
type rankKey struct {
	group uint32
	score float64
	id    string
}

type rankCodec struct{}

func (rankCodec) Append(b []byte, k rankKey) []byte {
	b = binary.BigEndian.AppendUint32(b, k.group)
	b = binary.BigEndian.AppendUint64(b, ^math.Float64bits(k.score)) // scores are not negative
	return append(b, k.id...)
}

func (rankCodec) Decode(b []byte) (rankKey, error) {
	if len(b) < 12 {
		return rankKey{}, mapreduce.ErrShort
	}
	return rankKey{
		binary.BigEndian.Uint32(b), math.Float64frombits(^binary.BigEndian.Uint64(b[4:])), string(b[12:]),
	}, nil
}

type rankParams struct{ ShardRows int64 }

// rankJob sends each row through two streams: by id, where it is kept, and by group and score, where it is ranked.
func rankJob() mapreduce.Job {
	return mapreduce.New("rank", 1, rankParams{ShardRows: 25}, func(p rankParams) ([]mapreduce.Stage, error) {
		kept, ranked := jsonl[scored]("kept"), jsonl[scored]("ranked")
		kept.Stands = func(*scored) bool { return true }
		ranked.Folder = func(r *scored) string { return fmt.Sprintf("group=%d", r.Group) }
		byID := &mapreduce.Stream[string, scored]{
			Name: "by_id", Key: mapreduce.String{}, Value: mapreduce.JSON[scored]{}, Writes: []mapreduce.Port{&kept},
			Reduce: func(context.Context, *mapreduce.Env) (mapreduce.Reducer[string, scored], error) {
				return keeper{&kept}, nil
			},
		}
		byRank := &mapreduce.Stream[rankKey, struct{}]{
			Name: "by_rank", Key: rankCodec{}, Value: mapreduce.Empty{}, Group: func([]byte) int { return 4 },
			Writes: []mapreduce.Port{&ranked},
			Reduce: func(context.Context, *mapreduce.Env) (mapreduce.Reducer[rankKey, struct{}], error) {
				return ranker{&ranked}, nil
			},
		}
		return []mapreduce.Stage{mapreduce.NewStage("rank", lineSource(p.ShardRows), 8,
			func(context.Context, *mapreduce.Env) (mapreduce.Mapper[line], error) {
				return rankMapper(byID, byRank), nil
			}, byID, byRank)}, nil
	})
}

func rankMapper(byID *mapreduce.Stream[string, scored], byRank *mapreduce.Stream[rankKey, struct{}]) mapreduce.MapFunc[line] {
	return func(_ context.Context, i int, l *line, out *mapreduce.Out) error {
		var r scored
		if _, err := fmt.Sscanf(l.Text, "%s %d %g", &r.ID, &r.Group, &r.Score); err != nil {
			return &mapreduce.Error{Record: -1, Class: mapreduce.BadRecord, Err: err}
		}
		if r.Score < 0 {
			out.Drop(i, "negative")
			return nil
		}
		byID.Emit(out, i, r.ID, r)
		byRank.Emit(out, i, rankKey{r.Group, r.Score, r.ID}, struct{}{})
		return nil
	}
}

type keeper struct{ kept *mapreduce.Dataset[scored] }

func (r keeper) Reduce(_ context.Context, _ string, values iter.Seq2[string, scored], out *mapreduce.Out) error {
	for _, v := range values {
		if v.Group == poisonID {
			return &mapreduce.Error{Record: -1, Class: mapreduce.BadRecord, Err: errTest}
		}
		r.kept.Write(out, 0, v)
	}
	return nil
}

func (keeper) Close() error { return nil }

// Groups that the reducers refuse.
const (
	poisonID   = 666
	poisonRank = 667
)

type ranker struct{ ranked *mapreduce.Dataset[scored] }

func (r ranker) Reduce(_ context.Context, group rankKey, values iter.Seq2[rankKey, struct{}], out *mapreduce.Out) error {
	var rank int64
	for k := range values {
		rank++
		r.ranked.Write(out, 0, scored{k.id, k.group, k.score, rank})
	}
	if group.group == poisonRank {
		return &mapreduce.Error{Record: -1, Class: mapreduce.BadRecord, Err: errTest}
	}
	return nil
}

func (ranker) Close() error { return nil }

// weight is what the job "multi" makes of a line: the sum over its words of how often each stands in the input.
type weight struct {
	Text   string
	Weight int64
}

// multiJob has three stages: "count" makes the side dataset dict, "weigh" maps the lines again and looks words up in it,
// "total" maps what weigh has written.
func multiJob() mapreduce.Job {
	return mapreduce.New("multi", 1, struct{ ShardRows int64 }{20}, func(p struct{ ShardRows int64 }) ([]mapreduce.Stage, error) {
		dict, totals := jsonl[count]("dict"), jsonl[count]("totals")
		weights, lines := jsonl[weight]("weights"), jsonl[weight]("lines")
		dict.Side, weights.Side = true, true
		lines.Stands = func(*weight) bool { return true }
		src := lineSource(p.ShardRows)
		words, sums := wordStream("words", &dict), wordStream("sums", &totals)
		newWords := func(context.Context, *mapreduce.Env) (mapreduce.Mapper[line], error) { return wordMapper{words}, nil }
		newWeigher := func(_ context.Context, env *mapreduce.Env) (mapreduce.Mapper[line], error) {
			known, err := readDict(env, &dict)
			return weigher(known, &weights, &lines), errors.Join(err, leave(env.Scratch()))
		}
		newTotal := func(context.Context, *mapreduce.Env) (mapreduce.Mapper[weight], error) {
			return mapreduce.MapFunc[weight](func(_ context.Context, i int, w *weight, out *mapreduce.Out) error {
				sums.Emit(out, i, cmp.Or(strings.Split(w.Text, " ")[0], "none"), w.Weight)
				return nil
			}), nil
		}
		weigh := mapreduce.NewStage("weigh", src, 8, newWeigher, &weights, &lines)
		weigh.Reads = []mapreduce.Port{&dict}
		return []mapreduce.Stage{
			mapreduce.NewStage("count", src, 8, newWords, words), weigh,
			mapreduce.NewStage("total", &weights, 8, newTotal, sums),
		}, nil
	})
}

func readDict(env *mapreduce.Env, dict *mapreduce.Dataset[count]) (map[string]int64, error) {
	files, err := env.Files(dict)
	if err != nil {
		return nil, err
	}
	known := map[string]int64{}
	for _, f := range files {
		r, err := dict.Open(env, f)
		if err != nil {
			return nil, err
		}
		var c count
		for err = r.Read(&c); err == nil; err = r.Read(&c) {
			known[c.Word] = c.Count
		}
		if !errors.Is(err, io.EOF) {
			return nil, errors.Join(err, r.Close())
		}
		if err := r.Close(); err != nil {
			return nil, err
		}
	}
	return known, nil
}

func weigher(known map[string]int64, weights, lines *mapreduce.Dataset[weight]) mapreduce.MapFunc[line] {
	return func(_ context.Context, i int, l *line, out *mapreduce.Out) error {
		w := weight{Text: l.Text}
		for word := range strings.FieldsSeq(strings.ToLower(l.Text)) {
			n, ok := known[word]
			if !ok {
				return fmt.Errorf("%q is not in the dictionary", word)
			}
			w.Weight += n
		}
		weights.Write(out, i, w)
		lines.Write(out, i, w)
		return nil
	}
}

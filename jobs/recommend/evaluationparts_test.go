package recommend_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/internal/datasets"
	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// evaluating is a run in this process, of the defaults but for what change does. The test file, if there is one, is added to the inputs.
func evaluating(t testing.TB, change func(p *recommend.EvaluationParams), inputs ...string) mapreduce.Config {
	t.Helper()
	p := recommend.EvaluationDefaults()
	p.Cutoffs, p.Pick = "1", "NDCG@1"
	if change != nil {
		change(&p)
	}
	if p.Test != "" {
		inputs = append(inputs, p.Test)
	}
	cfg := config(t, nil, inputs...)
	cfg.KeepIntermediate = true
	var err error
	if cfg.Params, err = json.Marshal(p); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// pair is a user and an item.
type pair struct{ user, item string }

// subsets are the parts that a job left: the value of each pair.
type subsets struct{ fit, valid, known, test map[pair]float64 }

// subsetsOf reads the parts of a job.
func subsetsOf(t testing.TB, dir string) subsets {
	t.Helper()
	return subsets{matrixOf(t, dir, "fit"), matrixOf(t, dir, "valid"), matrixOf(t, dir, "known"), matrixOf(t, dir, "test")}
}

// texts lists the ids of a dictionary that a job left.
func texts(t testing.TB, dir, name string) (list []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "stages", "*", "data", name, "*.ids"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%s: %d files, %v", name, len(files), err)
	}
	d, err := ids.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range d.Len() {
		list = append(list, string(d.Text(i)))
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return list
}

// matrixOf reads a matrix by users.
func matrixOf(t testing.TB, dir, name string) map[pair]float64 {
	t.Helper()
	return entriesOf(t, dir, name, texts(t, dir, "user_ids"), texts(t, dir, "item_ids"), func(row, column string) pair { return pair{row, column} })
}

// byItemOf reads a matrix by items.
func byItemOf(t testing.TB, dir, name string) map[pair]float64 {
	t.Helper()
	return entriesOf(t, dir, name, texts(t, dir, "item_ids"), texts(t, dir, "user_ids"), func(row, column string) pair { return pair{column, row} })
}

func entriesOf(t testing.TB, dir, name string, rows, columns []string, at func(row, column string) pair) map[pair]float64 {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "stages", "*", "data", name, "*.matrix"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := matrix.Open(files, len(rows), len(columns))
	if err != nil {
		t.Fatal(err)
	}
	all := map[pair]float64{}
	for i := range m.Rows() {
		list, values := m.Row(i)
		for k, c := range list {
			v := 1.
			if values != nil {
				v = float64(values[k])
			}
			all[at(rows[i], columns[c])] = v
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}

// check compares the parts with the pairs that there are. Test pairs may be more than those.
func (s subsets) check(t *testing.T, want map[pair]float64) {
	t.Helper()
	if n := len(s.fit) + len(s.valid) + len(s.test); n != len(want) {
		t.Errorf("%d, %d and %d pairs are %d, want %d", len(s.fit), len(s.valid), len(s.test), n, len(want))
	}
	union := maps.Clone(s.fit)
	for p := range s.valid {
		if _, twice := union[p]; twice {
			t.Errorf("%v is in fit and in valid", p)
		}
		union[p] = s.known[p] // valid has no values
	}
	if diff := cmp.Diff(union, s.known, cmp.AllowUnexported(pair{})); diff != "" {
		t.Errorf("known is not fit and valid: %s", diff)
	}
	for p, v := range s.known {
		if _, twice := s.test[p]; twice {
			t.Errorf("%v is known and in test", p)
		}
		if math.Abs(want[p]-v) > 1e-6*math.Abs(v) {
			t.Errorf("%v is worth %v, want %v", p, v, want[p])
		}
	}
	for p := range s.test {
		if _, ok := want[p]; !ok {
			t.Errorf("%v is in test, and was not in the input", p)
		}
	}
}

// visit is a row of an input.
type visit struct {
	pair
	value float64
	time  int64
}

// visits are made up: users have up to 20 rows, and some pairs come twice.
func visits(users int) (list []visit) {
	r := rand.New(rand.NewPCG(7, uint64(users)))
	for u := range users {
		for range 1 + r.IntN(20) {
			list = append(list, visit{pair{"u" + strconv.Itoa(u), "i" + strconv.Itoa(r.IntN(40))}, float64(1 + r.IntN(5)), int64(1000 + r.IntN(1000))})
		}
	}
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// csvOf is a file of visits.
func csvOf(t testing.TB, list []visit) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("user,item,value,time\n")
	for _, v := range list {
		fmt.Fprintf(&b, "%s,%s,%v,%d\n", v.user, v.item, v.value, v.time)
	}
	return input(t, b.String())
}

// merged are the sums of values and the newest times of pairs.
func merged(list []visit) (values map[pair]float64, times map[pair]int64) {
	values, times = map[pair]float64{}, map[pair]int64{}
	for _, v := range list {
		values[v.pair] += v.value
		times[v.pair] = max(times[v.pair], v.time)
	}
	return values, times
}

// split asks for parts.
func split(test, validation string) func(p *recommend.EvaluationParams) {
	return func(p *recommend.EvaluationParams) {
		p.ValueCol, p.TimeCol, p.Split, p.Validation = "value", "time", test, validation
	}
}

// TestParts: every pair is in one part, with its value, and those of a part are what the flags say.
func TestParts(t *testing.T) {
	list := visits(150)
	values, times := merged(list)
	in := csvOf(t, list)
	newest := slices.Max(slices.Collect(maps.Values(times)))
	byUser := map[string][]pair{}
	for p := range values {
		byUser[p.user] = append(byUser[p.user], p)
	}
	for _, pairs := range byUser { // newest first; higher items have higher numbers: ids are texts
		slices.SortFunc(pairs, func(a, b pair) int {
			if times[a] != times[b] {
				return int(times[b] - times[a])
			}
			return strings.Compare(b.item, a.item)
		})
	}
	place := func(p pair) int { return slices.Index(byUser[p.user], p) }
	whole := func(p pair) bool { return len(byUser[p.user]) < 3 }
	for _, c := range []struct {
		test, validation string
		inTest, inValid  func(p pair) bool // nil: a share
	}{
		{"hash:0.3", "", nil, nil},
		{"", "hash:0.5", nil, nil},
		{"last", "", func(p pair) bool { return !whole(p) && place(p) == 0 }, func(p pair) bool { return !whole(p) && place(p) == 1 }},
		{"time:1900", "", func(p pair) bool { return times[p] >= 1900 }, func(p pair) bool { return times[p] < 1900 && times[p] >= 1900-(newest-1900)-1 }},
		{"time:1900", "time:1500", func(p pair) bool { return times[p] >= 1900 }, func(p pair) bool { return times[p] < 1900 && times[p] >= 1500 }},
		{"hash:0.3", "time:1500", nil, nil},
		{"time:1900", "hash:0.4", func(p pair) bool { return times[p] >= 1900 }, nil},
	} {
		t.Run(c.test+"/"+c.validation, func(t *testing.T) {
			cfg := evaluating(t, split(c.test, c.validation), in)
			mrtest.Run(t, jobs.Standard(), smallParts(), cfg, mapreduce.ExitComplete)
			got := subsetsOf(t, cfg.Dir)
			got.check(t, values)
			if diff := cmp.Diff(got.fit, byItemOf(t, cfg.Dir, "fit_items"), cmp.AllowUnexported(pair{})); diff != "" {
				t.Errorf("fit_items: %s", diff)
			}
			if diff := cmp.Diff(got.known, byItemOf(t, cfg.Dir, "known_items"), cmp.AllowUnexported(pair{})); diff != "" {
				t.Errorf("known_items: %s", diff)
			}
			for p := range values {
				if _, has := got.test[p]; c.inTest != nil && has != c.inTest(p) {
					t.Errorf("%v, place %d of %d, time %d: in test: %v", p, place(p), len(byUser[p.user]), times[p], has)
				}
				if _, has := got.valid[p]; c.inValid != nil && has != c.inValid(p) {
					t.Errorf("%v, place %d of %d, time %d: in valid: %v", p, place(p), len(byUser[p.user]), times[p], has)
				}
			}
			for p := range got.fit {
				if strings.HasPrefix(c.validation, "time:") && times[p] >= 1500 {
					t.Errorf("%v, time %d, is in fit", p, times[p])
				}
			}
			for name, part := range map[string]map[pair]float64{"fit": got.fit, "valid": got.valid, "test": got.test} {
				if len(part) < 50 {
					t.Errorf("%s has %d pairs: the test shows little", name, len(part))
				}
			}
		})
	}
}

// TestSameParts: neither the workers nor the order of the input show in the parts.
func TestSameParts(t *testing.T) {
	list := visits(150)
	in := csvOf(t, list)
	sides := func(dir string) map[string][]byte {
		files := map[string][]byte{}
		for name, b := range mrtest.Tree(t, dir, "stages") {
			if filepath.Ext(name) == ".matrix" {
				files[name[strings.Index(name, "data"):]] = b
			}
		}
		return files
	}
	shuffled := slices.Clone(list)
	rand.New(rand.NewPCG(3, 4)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	for _, how := range []string{"hash:0.2", "last", "time:1900"} {
		var first string
		for _, workers := range []int{1, 2, 4} {
			cfg := evaluating(t, split(how, ""), in)
			cfg.InProcess, cfg.Workers, cfg.Partitions = false, workers, 3
			mrtest.Run(t, jobs.Standard(), smallParts(), cfg, mapreduce.ExitComplete)
			if first == "" {
				first = cfg.Dir
			}
			want, got := sides(first), sides(cfg.Dir)
			if len(want) < 6*2 {
				t.Fatalf("%s: %d files of matrices", how, len(want))
			}
			mrtest.SameFiles(t, want, got)
		}
		cfg := evaluating(t, split(how, ""), csvOf(t, shuffled))
		cfg.Partitions = 7
		mrtest.Run(t, jobs.Standard(), smallParts(), cfg, mapreduce.ExitComplete)
		if diff := cmp.Diff(subsetsOf(t, first), subsetsOf(t, cfg.Dir), cmp.AllowUnexported(subsets{}, pair{})); diff != "" {
			t.Errorf("%s, in another order: %s", how, diff)
		}
	}
}

// TestTestFile: pairs of the file are in test, unless they are in the input too, whose values they do not change; users and items
// that only the file has are there as well.
func TestTestFile(t *testing.T) {
	in := input(t, "user,item,value\na,1,2\na,2,2\nb,1,3\nb,2,1\nb,3,1\nc,3,5\nc,1,1\n")
	test := input(t, "user,item,value\na,1,100\na,3,7\nz,9,1\nb,9,1\nb,9,1\nb,1,0\n")
	cfg := evaluating(t, func(p *recommend.EvaluationParams) { p.ValueCol, p.Test, p.Validation = "value", test, "hash:0.5" }, in)
	s := mrtest.Run(t, jobs.Standard(), smallParts(), cfg, mapreduce.ExitComplete)
	got := subsetsOf(t, cfg.Dir)
	known := map[pair]float64{{"a", "1"}: 2, {"a", "2"}: 2, {"b", "1"}: 3, {"b", "2"}: 1, {"b", "3"}: 1, {"c", "3"}: 5, {"c", "1"}: 1}
	if diff := cmp.Diff(known, got.known, cmp.AllowUnexported(pair{})); diff != "" {
		t.Error(diff)
	}
	if want := (map[pair]float64{{"a", "3"}: 1, {"z", "9"}: 1, {"b", "9"}: 1}); !maps.Equal(got.test, want) {
		t.Errorf("test is %v, want %v", got.test, want)
	}
	all := maps.Clone(known)
	maps.Copy(all, got.test)
	got.check(t, all)
	if s.Rows.Read != 13 || s.Rows.Dropped["nonpositive"] != 1 || s.Rows.Mapped != 12 {
		t.Errorf("%+v", s.Rows)
	}
}

// TestTestFileLast: what the test file has of a pair that is known decides nothing, whatever a pair is worth.
func TestTestFileLast(t *testing.T) {
	for duplicates, want := range map[string]float64{"sum": 5, "max": 3, "last": 2, "count": 2} {
		in := input(t, "user,item,value,time\na,1,3,10\na,1,2,20\nb,1,1,5\nb,2,1,8\nb,3,1,7\n")
		test := input(t, "user,item,value,time\na,1,50,90\nb,4,1,95\n")
		cfg := evaluating(t, func(p *recommend.EvaluationParams) {
			p.ValueCol, p.TimeCol, p.Test, p.Validation, p.Duplicates = "value", "time", test, "last", duplicates
		}, in)
		mrtest.Run(t, jobs.Standard(), smallParts(), cfg, mapreduce.ExitComplete)
		got := subsetsOf(t, cfg.Dir)
		if v := got.known[pair{"a", "1"}]; v != want {
			t.Errorf("%s: %v, want %v", duplicates, v, want)
		}
		if _, ok := got.valid[pair{"b", "2"}]; !ok || len(got.valid) != 1 {
			t.Errorf("%s: valid is %v", duplicates, got.valid)
		}
	}
}

// TestHalfLifeOfParts: interactions count from the beginning of the test part, or else from the newest that is not of a test file.
func TestHalfLifeOfParts(t *testing.T) {
	const in = "user,item,time\na,1,0\na,2,100\na,3,200\na,4,1000000\nb,1,100\nb,2,100\n"
	test := input(t, "user,item,time\nb,4,90000000\n")
	for _, c := range []struct {
		change func(p *recommend.EvaluationParams)
		want   map[pair]float64
	}{
		{func(p *recommend.EvaluationParams) { p.Split, p.Validation = "time:200", "time:100" }, map[pair]float64{
			{"a", "1"}: .25, {"a", "2"}: .5, {"b", "1"}: .5, {"b", "2"}: .5,
		}},
		{func(p *recommend.EvaluationParams) { p.Test, p.Validation, p.HalfLife = test, "last", "1000000s" }, map[pair]float64{
			{"a", "1"}: .5, {"a", "2"}: .5 * math.Exp2(1e-4), {"a", "3"}: .5 * math.Exp2(2e-4), {"a", "4"}: 1, {"b", "1"}: .5 * math.Exp2(1e-4), {"b", "2"}: .5 * math.Exp2(1e-4),
		}},
	} {
		cfg := evaluating(t, func(p *recommend.EvaluationParams) {
			p.TimeCol, p.HalfLife = "time", "100s"
			c.change(p)
		}, input(t, in))
		mrtest.Run(t, jobs.Standard(), smallParts(), cfg, mapreduce.ExitComplete)
		got := subsetsOf(t, cfg.Dir)
		if len(got.known) != len(c.want) {
			t.Errorf("%v, want %v", got.known, c.want)
		}
		for p, v := range c.want {
			if math.Abs(got.known[p]-v) > 1e-6 {
				t.Errorf("%v is worth %v, want %v", p, got.known[p], v)
			}
		}
	}
}

// TestDirtyParts: bad rows of the inputs and of the test file are rejects, which name their files.
func TestDirtyParts(t *testing.T) {
	in := input(t, "user,item,time\na,1,5\na,2,6\na,,7\n,4,8\nb,1,yesterday\nb,2,9\nb,3,10\n")
	test := input(t, "user,item,time\na,5,11\nb,5,\nb,6,12\n")
	cfg := evaluating(t, func(p *recommend.EvaluationParams) { p.TimeCol, p.Test, p.Validation = "time", test, "last" }, in)
	s := mrtest.Run(t, jobs.Standard(), smallParts(), cfg, mapreduce.ExitRejects)
	var where []string
	for _, r := range mrtest.Rejects(t, jobs.Standard(), cfg.Dir) {
		where = append(where, fmt.Sprintf("%s:%d", map[string]string{in: "in", test: "test"}[r.Input], r.Line))
	}
	if want := []string{"in:4", "in:5", "in:6", "test:3"}; !slices.Equal(where, want) {
		t.Errorf("rejects are %q, want %q", where, want)
	}
	if s.Rows.Read != 10 || s.Rows.Rejected != 4 || s.Rows.Mapped != 6 {
		t.Errorf("%+v", s.Rows)
	}
	got := subsetsOf(t, cfg.Dir)
	if len(got.known) != 4 || len(got.test) != 2 {
		t.Errorf("known is %v, test is %v", got.known, got.test)
	}
}

// TestLeastRows: --min-user and --min-item count all rows, those of the test file too.
func TestLeastRows(t *testing.T) {
	in := input(t, "user,item,time\na,1,1\na,2,2\nb,1,3\nb,2,4\nb,9,5\nc,1,6\n")
	test := input(t, "user,item,time\na,3,10\nb,3,11\nc,2,11\n")
	cfg := evaluating(t, func(p *recommend.EvaluationParams) {
		p.TimeCol, p.Test, p.Validation, p.MinUser, p.MinItem = "time", test, "last", 3, 2
	}, in)
	s := mrtest.Run(t, jobs.Standard(), smallParts(), cfg, mapreduce.ExitComplete)
	got := subsetsOf(t, cfg.Dir)
	if want := (map[pair]float64{{"a", "3"}: 1, {"b", "3"}: 1}); !maps.Equal(got.test, want) || len(got.known) != 4 {
		t.Errorf("test is %v, known is %v", got.test, got.known)
	}
	if s.Rows.Dropped["min-user"] != 2 || s.Rows.Dropped["min-item"] != 1 {
		t.Errorf("%+v", s.Rows)
	}
}

// TestPublishedSplit: the parts of a split that was published are its files.
func TestPublishedSplit(t *testing.T) {
	train, test := datasets.Path(t, "splits", "lastfm-hash80", "train.csv"), datasets.Path(t, "splits", "lastfm-hash80", "test.csv")
	cfg := evaluating(t, func(p *recommend.EvaluationParams) { p.Test = test }, train)
	mrtest.Run(t, jobs.Standard(), recommend.PartsJob("parts", 1<<20), cfg, mapreduce.ExitComplete)
	got := subsetsOf(t, cfg.Dir)
	known, wantTest := pairsOf(t, train), pairsOf(t, test)
	if len(known) != 74_174 || len(wantTest) != 18_660 {
		t.Fatalf("%d and %d pairs", len(known), len(wantTest))
	}
	if !maps.Equal(got.known, known) || !maps.Equal(got.test, wantTest) {
		t.Errorf("%d pairs are known and %d in test", len(got.known), len(got.test))
	}
	all := maps.Clone(known)
	maps.Copy(all, wantTest)
	got.check(t, all)
	if share := float64(len(got.valid)) / float64(len(got.known)); math.Abs(share-.2) > .005 {
		t.Errorf("%v of the known pairs are in the validation part", share)
	}
}

// pairsOf reads "user,item".
func pairsOf(t *testing.T, path string) map[pair]float64 {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m := map[pair]float64{}
	for line := range strings.Lines(string(text)) {
		user, item, ok := strings.Cut(strings.TrimSpace(line), ",")
		if ok && user != "user" {
			m[pair{user, item}] = 1
		}
	}
	return m
}

package recommend_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
)

func TestEvaluationDefaults(t *testing.T) {
	if err := recommend.EvaluationDefaults().Validate(); err != nil {
		t.Error(err)
	}
}

// TestCheckEvaluation: errors name the flag.
func TestCheckEvaluation(t *testing.T) {
	type params = recommend.EvaluationParams
	for i, c := range []struct {
		change func(p *params)
		want   string
	}{
		{func(p *params) { p.Split = "hash:0.5" }, ""},
		{func(p *params) { p.Split = "halves" }, `--split "halves": hash:SHARE`},
		{func(p *params) { p.Split = "hash:1" }, `--split "hash:1": hash:SHARE`},
		{func(p *params) { p.Split = "hash:0" }, `--split "hash:0"`},
		{func(p *params) { p.Split, p.TimeCol = "time:yesterday", "t" }, `--split "time:yesterday"`},
		{func(p *params) { p.Split, p.Test = "last", "f.csv" }, "--split last and --test f.csv: only one"},
		{func(p *params) { p.Test = "f.csv" }, ""},
		{func(p *params) { p.Test, p.Format = "f.txt", "lines" }, ""},
		{func(p *params) { p.Test, p.Format = "f.txt", "baskets" }, "--test f.txt: --input-format baskets"},
		{func(p *params) { p.Split = "last" }, "--split last needs the times: give --time-col"},
		{func(p *params) { p.Split = "time:2020-01-01" }, "--split time:2020-01-01 needs the times"},
		{func(p *params) { p.Split, p.TimeCol = "time:2020-01-01", "t" }, ""},
		{func(p *params) { p.Validation = "last" }, "--validation last needs the times"},
		{func(p *params) { p.Validation, p.Test = "time:2020-01-01", "f.csv" }, "--validation time:2020-01-01 needs the times"},
		{func(p *params) { p.Validation = "some" }, `--validation "some": hash:SHARE`},
		{func(p *params) { p.Split, p.Validation, p.TimeCol = "time:2020-01-01", "time:2019-12-01", "t" }, ""},
		{func(p *params) { p.Split, p.Validation, p.TimeCol = "time:2020-01-01", "time:2020-01-01", "t" }, "--validation time:2020-01-01: it has to be before --split time:2020-01-01"},
		{func(p *params) { p.Cutoffs = "" }, `--cutoffs "": whole numbers`},
		{func(p *params) { p.Cutoffs = "5,x" }, `--cutoffs "5,x"`},
		{func(p *params) { p.Cutoffs = "0,10" }, `--cutoffs "0,10"`},
		{func(p *params) { p.Cutoffs = "10,100000" }, `--cutoffs "10,100000"`},
		{func(p *params) { p.Cutoffs = "10,5,10" }, `--cutoffs "10,5,10": 10 is there twice`},
		{func(p *params) { p.Cutoffs, p.Pick = "20,5", "hit-rate@5" }, ""},
		{func(p *params) { p.Pick = "recall@20" }, ""},
		{func(p *params) { p.Pick = "recall@7" }, "--pick recall@7: 7 is none of --cutoffs 5,10,20"},
		{func(p *params) { p.Pick = "beauty@10" }, `--pick "beauty@10": METRIC@K`},
		{func(p *params) { p.Pick = "NDCG" }, `--pick "NDCG": METRIC@K`},
		{func(p *params) { p.Budget = -1 }, "--budget -1"},
		{func(p *params) { p.Model = "job" }, "--model"},
		{func(p *params) { p.Weights = "1,2" }, "--blend and --weights"},
		{func(p *params) { p.Duplicates = "some" }, "--duplicates"},
		{func(p *params) { p.HalfLife = "30d" }, "--half-life needs the times"},
		{func(p *params) { p.UserCol = "" }, "--user-col"},
	} {
		p := recommend.EvaluationDefaults()
		c.change(&p)
		if err := p.Validate(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("case %d: %v, expected %q", i, err, c.want)
		}
	}
}

// TestEmptyParts: an evaluation that cannot measure anybody says why, and what to do, and is the input's fault.
func TestEmptyParts(t *testing.T) {
	type params = recommend.EvaluationParams
	const in = "user,item,time\na,1,10\na,2,20\na,3,30\nb,1,40\nb,2,50\n"
	missing := filepath.Join(t.TempDir(), "missing.csv")
	timed := func(split, validation string) func(p *params) {
		return func(p *params) { p.TimeCol, p.Split, p.Validation = "time", split, validation }
	}
	for i, c := range []struct {
		in, test string
		change   func(p *params)
		want     string
	}{
		{in, "", timed("time:1000", ""), "--split time:1000: no pair is in the test part; give an earlier date"},
		{in, "", timed("time:0", ""), "--split time:0: all pairs are in the test part, and none is left to learn from"},
		{in, "", timed("time:35", "time:25"), "--split time:35: no user of the test part has a pair to learn from"},
		{in, "", timed("time:50", "time:35"), "--validation time:35: no user of the validation part has"},
		{in, "", timed("time:50", "time:5"), "--validation time:5: all pairs that are not in the test part are in the validation part"},
		{in, "", timed("time:20", "time:15"), "--validation time:15: no pair is in the validation part, by which is chosen; give an earlier date"},
		{"user,item,time\na,1,10\nb,1,20\nb,2,20\n", "", timed("last", ""), "--split last: no pair is in the test part; no user has enough items: cut by hash:0.2"},
		{in, "", timed("hash:0.000001", ""), "--split hash:0.000001: no pair is in the test part; take a larger share"},
		{in, "", timed("hash:0.5", "hash:0.000001"), "--validation hash:0.000001: no pair is in the validation part"},
		{in, "", timed("hash:0.999999", ""), "--split hash:0.999999: all pairs are in the test part"},
		{in, "user,item,time\na,1,99\nb,2,99\n", timed("", "last"), "no pair of the test part is left: all that the file has are in the other inputs too"},
		{in, "user,item,time\nx,1,99\ny,7,99\n", timed("", "last"), "no user of the test part has a pair to learn from"},
		{in, "user,item,time\n", timed("", "last"), "no pair of the test part is left"},
		{"user,item,time\n", "user,item,time\na,1,99\n", timed("", "last"), "all pairs are in the test part"},
		{in, missing, timed("", "last"), "no such file"},
		{in, "user,item\na,9\n", timed("", "last"), `"time"`},
		{in, "", func(p *params) { p.Cutoffs, p.Pick = "1,10", "NDCG@1" }, "--cutoffs 10: the catalogue has only 3 items"},
		{in, "", func(p *params) { p.MinUser = 9 }, "no user has the 9 interactions that --min-user asks for"},
	} {
		cfg := evaluating(t, func(p *params) {
			switch c.test {
			case "", missing:
				p.Test = c.test
			default:
				p.Test = input(t, c.test)
			}
			c.change(p)
		}, input(t, c.in))
		s, err := mapreduce.Run(context.Background(), jobs.Standard(), smallParts(), cfg)
		if code := mapreduce.ExitCode(s, err); err == nil || !strings.Contains(err.Error(), c.want) || code != mapreduce.ExitInput {
			t.Errorf("case %d: exit code %d, %v; expected %q", i, code, err, c.want)
		}
	}
}

// TestWrongTestFile: FILE that is the INPUT is told, and not measured.
func TestWrongTestFile(t *testing.T) {
	in := input(t, "user,item\na,1\na,2\nb,1\nb,2\n")
	cfg := evaluating(t, func(p *recommend.EvaluationParams) { p.Test = in }, in)
	_, err := mapreduce.Run(context.Background(), jobs.Standard(), smallParts(), cfg)
	if err == nil || !strings.Contains(err.Error(), "among the other inputs") {
		t.Error(err)
	}
	cfg = evaluating(t, func(p *recommend.EvaluationParams) { p.Split = "first" }, in)
	_, err = mapreduce.Run(context.Background(), jobs.Standard(), smallParts(), cfg)
	var usage *mapreduce.UsageError
	if !errors.As(err, &usage) {
		t.Errorf("%v is no usage error", err)
	}
}

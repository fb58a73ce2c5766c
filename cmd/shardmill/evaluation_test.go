package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
)

func TestEvaluationLines(t *testing.T) {
	good := classify.Evaluation{
		Model: "squeezenet", Images: 400, Evaluated: 400, Top1: .61, Top5: .85,
		Precision: .472, Recall: .506, F1: .4834, ECE: .05564, Confidence: .622,
	}
	mixed := good
	mixed.Images, mixed.Unlabelled, mixed.Unknown = 403, 1, 2
	for _, c := range []struct {
		models   []classify.Evaluation
		rejected int64
		want     string
	}{
		{nil, 3, ""},
		{[]classify.Evaluation{good}, 0, `evaluation    400 of 400 images, model squeezenet
accuracy      top-1 61.0 %, top-5 85.0 %
macro means   precision 47.2 %, recall 50.6 %, F1 48.3 %
calibration   ECE 0.0556, mean confidence 62.2 %
`},
		{[]classify.Evaluation{mixed, {Model: "other", Images: 1, Unknown: 1}}, 7, `evaluation    400 of 403 images, model squeezenet
left out      1 without a label, 2 with a label that the model does not know, 7 rejected
accuracy      top-1 61.0 %, top-5 85.0 %
macro means   precision 47.2 %, recall 50.6 %, F1 48.3 %
calibration   ECE 0.0556, mean confidence 62.2 %
evaluation    0 of 1 image, model other
left out      1 with a label that the model does not know, 7 rejected
`},
	} {
		var b strings.Builder
		if err := writeLines(&b, evaluationLines(c.models, c.rejected)); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want, b.String()); d != "" {
			t.Error(d)
		}
	}
}

func TestOfEvaluation(t *testing.T) {
	for _, c := range []struct {
		job, dataset string
		want         bool
	}{
		{"classify", "evaluation", true},
		{"classify", "evaluation_labels", true},
		{"classify", "labels", false},
		{"rank", "evaluation", false},
	} {
		if got := ofEvaluation(mapreduce.Summary{Job: c.job}, c.dataset); got != c.want {
			t.Errorf("%s of %s: %v", c.dataset, c.job, got)
		}
	}
}

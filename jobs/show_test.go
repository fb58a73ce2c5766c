package jobs

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardmill/shardmill/jobs/classify"
)

func TestShowUnknown(t *testing.T) {
	for _, test := range []struct{ job, label, want string }{
		{"wordcount", "x", "a job wordcount has no labels"},
		{"nobody's", "", "results of a job nobody's cannot be shown"},
	} {
		_, err := Show(test.job, View{Out: t.TempDir(), Label: test.label, Rows: 3})
		var unknown *UnknownError
		if !errors.As(err, &unknown) || err.Error() != test.want {
			t.Errorf("%s, label %q: %v", test.job, test.label, err)
		}
	}
}

// Every job of the program can be shown: a new one must come with its view.
func TestShowKnowsAllJobs(t *testing.T) {
	for _, job := range All() {
		_, err := Show(job.Name(), View{Out: filepath.Join(t.TempDir(), "none"), Rows: 1})
		var unknown *UnknownError
		if errors.As(err, &unknown) {
			t.Errorf("results of %s cannot be shown", job.Name())
		}
		if job.Name() == "classify" && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("results that are not there: %v", err)
		}
	}
}

func TestRowsForPeopleAndPrograms(t *testing.T) {
	label := "a true one"
	for _, test := range []struct {
		row   Row
		cells []string
		json  string
	}{
		{textRow{[]string{"user", "n"}, []string{"ann", "2"}}, []string{"ann", "2"}, `{"n":"2","user":"ann"}`},
		{wordRow{"the", 12}, []string{"12", "the"}, `{"word":"the","count":12}`},
		{
			labelRow{134, "crane", 3, .51239, ""},
			[]string{"134", "crane", "3", "0.5124"},
			`{"label_id":134,"label":"crane","count":3,"mean_score":0.51239}`,
		},
		{
			imageRow{LabelID: 2, Label: "tench", Score: .5, ID: "7", Path: "p", Status: "damaged", TrueLabel: &label},
			[]string{"2", "tench", "0.5000", "7", "a true one", "damaged"},
			`{"label_id":2,"label":"tench","score":0.5,"id":"7","path":"p","status":"damaged","true_label":"a true one"}`,
		},
		{
			imageRow{LabelID: 2, Label: "tench", Score: .5, ID: "7", Path: "p", Status: "ok"},
			[]string{"2", "tench", "0.5000", "7", "", ""},
			`{"label_id":2,"label":"tench","score":0.5,"id":"7","path":"p","status":"ok"}`,
		},
	} {
		if diff := cmp.Diff(test.cells, test.row.Cells()); diff != "" {
			t.Errorf("cells (-want +got):\n%s", diff)
		}
		if b, err := json.Marshal(test.row); err != nil || string(b) != test.json {
			t.Errorf("JSON is %s, expected %s (%v)", b, test.json, err)
		}
	}
}

func TestImageTable(t *testing.T) {
	table := imageTable("title", []classify.Prediction{
		{ID: "a", LabelID: 1, Label: "x", Score: 1, Status: "ok", True: "y", HasTrue: true},
		{ID: "b", LabelID: 1, Label: "x", Score: .5, Status: "damaged"},
	})
	for i, r := range table.Rows {
		if n := len(r.Cells()); n != len(table.Header) {
			t.Errorf("row %d has %d cells under %d headers", i, n, len(table.Header))
		}
	}
	if got := table.Rows[0].Cells()[4]; got != "y" {
		t.Errorf("the true label of the first row is %q", got)
	}
}

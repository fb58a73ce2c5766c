package classify_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
)

// reference is one line of ../shared/data/reference: what another decoder and the same runtime made of a photo.
type reference struct {
	label string
	ids   []int32
}

func readReference(t *testing.T, path string) map[string]reference {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	refs := map[string]reference{}
	for _, l := range lines[1:] {
		r := reference{label: l[1]}
		for _, v := range l[2:7] {
			id, err := strconv.Atoi(v)
			if err != nil {
				t.Fatal(err)
			}
			r.ids = append(r.ids, int32(id))
		}
		refs[l[0]] = r
	}
	return refs
}

// tally counts how often the label is the first, or among the first five, of some ids.
type tally struct{ top1, top5 int }

func (c *tally) add(label string, ids []int32) {
	for rank, id := range ids {
		if strconv.Itoa(int(id)) != label {
			continue
		}
		if rank == 0 {
			c.top1++
		}
		c.top5++
	}
}

// TestReference compares real models on real photos with what another decoder, the same runtime and
// a plain program made of them. The decoders differ by about half a level a pixel, so accuracy may
// differ by a point and the first label for 3 % of the photos.
func TestReference(t *testing.T) {
	if testing.Short() {
		t.Skip("classifies 1,200 photos")
	}
	needRuntime(t)
	manifest := shared(t, "images", "sample-public-400", "manifest.csv")
	for model, preset := range map[string]string{
		"squeezenet1.1-fp32": "imagenet-caffe", "squeezenet1.1-fp16": "imagenet-caffe", "mobilenetv2-1.0-224-uint8": "raw",
	} {
		t.Run(model, func(t *testing.T) {
			refs := readReference(t, shared(t, "reference", model+".sample-public-400.csv"))
			p := classify.Defaults()
			p.Model, p.Labels = shared(t, "models", model, "model.onnx"), shared(t, "models", model, "labels.txt")
			p.Preprocess, p.LabelCol, p.ShardRows = preset, "label_id", 100
			dir := filepath.Join(t.TempDir(), "job")
			mustRun(t, config(t, dir, p, manifest), mapreduce.ExitComplete)
			compareReference(t, readDataset(t, dir, "predictions", predictionColumns()), refs)
		})
	}
}

func compareReference(t *testing.T, rows []row, refs map[string]reference) {
	t.Helper()
	ids := map[string][]int32{}
	for _, r := range rows {
		if int(r.Rank) != len(ids[r.Path])+1 {
			t.Fatalf("%s: rank %d after %d", r.Path, r.Rank, len(ids[r.Path]))
		}
		ids[r.Path] = append(ids[r.Path], r.LabelID)
	}
	var got, want tally
	agree := 0
	for path, ref := range refs {
		got.add(ref.label, ids[path])
		want.add(ref.label, ref.ids)
		if len(ids[path]) == 5 && ids[path][0] == ref.ids[0] {
			agree++
		}
	}
	n := len(refs)
	percent := func(k int) float64 { return 100 * float64(k) / float64(n) }
	t.Logf("%d photos: top-1 %.1f %% (reference %.1f %%), top-5 %.1f %% (%.1f %%), same first label %.1f %%",
		n, percent(got.top1), percent(want.top1), percent(got.top5), percent(want.top5), percent(agree))
	if d := percent(got.top1 - want.top1); d < -1 || d > 1 {
		t.Errorf("top-1 differs by %.2f points", d)
	}
	if d := percent(got.top5 - want.top5); d < -1 || d > 1 {
		t.Errorf("top-5 differs by %.2f points", d)
	}
	if os.Getenv("SHOW_DISAGREE") != "" {
		for path, ref := range refs {
			if ids[path][0] != ref.ids[0] {
				t.Logf("DIS %s %d %v", path, ids[path][0], ref.ids[:2])
			}
		}
	}
	if percent(agree) < 97 {
		t.Errorf("the first label agrees for %.1f %% of the photos only", percent(agree))
	}
}

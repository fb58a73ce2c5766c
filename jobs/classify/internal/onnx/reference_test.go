package onnx

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// data returns a path in ../shared/data, or skips.
func data(t testing.TB, parts ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{repoRoot(t), "..", "shared", "data"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no test data: %v", err)
	}
	return path
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// readTensor returns the numbers of a float32 TensorProto.
func readTensor(t *testing.T, path string) []float32 {
	t.Helper()
	g, err := ReadGolden(path)
	if err != nil {
		t.Fatal(err)
	}
	var numbers []float32
	for _, v := range g.elements(g.bytes) {
		numbers = append(numbers, float32(v))
	}
	return numbers
}

func TestMNISTGolden(t *testing.T) {
	dir := data(t, "models", "mnist-cntk")
	s := open(t, filepath.Join(dir, "model.onnx"), Options{})
	scores := make([]float32, s.Classes())
	for set := range 3 {
		folder := filepath.Join(dir, fmt.Sprintf("test_data_set_%d", set))
		input, want := readTensor(t, filepath.Join(folder, "input_0.pb")), readTensor(t, filepath.Join(folder, "output_0.pb"))
		if len(input) != 28*28 || len(want) != s.Classes() {
			t.Fatalf("set %d: %d pixels, %d scores", set, len(input), len(want))
		}
		copy(s.Float32()[set*len(input):], input)
		if err := s.Run(t.Context(), set+1); err != nil {
			t.Fatal(err)
		}
		s.Scores(set, scores)
		for i := range want {
			if math.Abs(float64(scores[i]-want[i])) > 1e-3 {
				t.Errorf("set %d, class %d: %v, want %v", set, i, scores[i], want[i])
			}
		}
	}
}

// photoModel is a model of ../shared/data with how its slots are filled from
// 224x224x3 RGB, and how near it must come to the reference.
type photoModel struct {
	name      string
	fill      func(s *Session, slot int, rgb []byte)
	tolerance float64
	exactIDs  bool // ids must be equal even where scores are nearly equal
}

func photoModels() []photoModel {
	return []photoModel{
		{"squeezenet1.1-fp32", fillCaffe(func(s *Session, i, v int) { s.Float32()[i] = float32(v) }), 1e-4, true},
		{"squeezenet1.1-fp16", fillCaffe(func(s *Session, i, v int) { s.Float16()[i] = narrow(v) }), 1e-3, false},
		{"mobilenetv2-1.0-224-uint8", func(s *Session, slot int, rgb []byte) { copy(s.Uint8()[slot*len(rgb):], rgb) }, 2.0 / 256, false},
	}
}

// fillCaffe gives planes of B, G, R minus 104, 117, 123.
func fillCaffe(set func(s *Session, i, v int)) func(*Session, int, []byte) {
	mean := [3]int{104, 117, 123}
	return func(s *Session, slot int, rgb []byte) {
		plane := len(rgb) / 3
		for c := range 3 {
			for i := range plane {
				set(s, slot*len(rgb)+c*plane+i, int(rgb[3*i+2-c])-mean[c])
			}
		}
	}
}

func openPhotoModel(t testing.TB, m photoModel) *Session {
	t.Helper()
	return open(t, data(t, "models", m.name, "model.onnx"), Options{})
}

// crop is a photo after decoding, resizing and cropping.
type crop struct {
	name string // of the photo
	rgb  []byte
}

func crops(t testing.TB) []crop {
	t.Helper()
	const suffix = ".224x224x3.rgb"
	paths, err := filepath.Glob(filepath.Join(data(t, "reference", "tensors"), "*"+suffix))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no crops: %v", err)
	}
	list := make([]crop, len(paths))
	for i, path := range paths {
		list[i] = crop{strings.TrimSuffix(filepath.Base(path), suffix), readFile(t, path)}
		if len(list[i].rgb) != 224*224*3 {
			t.Fatalf("%s has %d bytes", path, len(list[i].rgb))
		}
	}
	return list
}

// references reads the CSV of a model: the five best of each photo.
func references(t *testing.T, model string) map[string][]Scored {
	t.Helper()
	f, err := os.Open(data(t, "reference", model+".sample-public-400.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	best := make(map[string][]Scored)
	for _, row := range rows[1:] {
		for rank := range 5 {
			id, err1 := strconv.Atoi(row[2+rank])
			p, err2 := strconv.ParseFloat(row[7+rank], 32)
			if err1 != nil || err2 != nil {
				t.Fatalf("%s: row %q", model, row)
			}
			name := filepath.Base(row[0])
			best[name] = append(best[name], Scored{id, float32(p)})
		}
	}
	return best
}

func TestReferenceCrops(t *testing.T) {
	for _, m := range photoModels() {
		t.Run(m.name, func(t *testing.T) {
			s, want := openPhotoModel(t, m), references(t, m.name)
			scores := make([]float32, s.Classes())
			worst := 0.0
			for batch := range slices.Chunk(crops(t), s.Batch()) { // the last one is short
				for slot, c := range batch {
					m.fill(s, slot, c.rgb)
				}
				if err := s.Run(t.Context(), len(batch)); err != nil {
					t.Fatal(err)
				}
				for slot, c := range batch {
					s.Scores(slot, scores)
					worst = max(worst, compareTop(t, m, c.name, scores, want[c.name]))
				}
			}
			t.Logf("largest difference of a probability: %.2g (allowed %.2g)", worst, m.tolerance)
		})
	}
}

// compareTop holds the five best to the reference and returns the largest
// difference. An id must be equal where its neighbours' scores are further away
// than the tolerance.
func compareTop(t *testing.T, m photoModel, photo string, scores []float32, want []Scored) float64 {
	t.Helper()
	got, err := TopK(scores, 6, nil)
	if err != nil || len(want) != 5 {
		t.Fatalf("%s: %v, %d reference rows", photo, err, len(want))
	}
	gap := func(i int) float64 { return float64(got[i].Score - got[i+1].Score) }
	worst := 0.0
	for rank := range want {
		worst = max(worst, math.Abs(float64(got[rank].Score-want[rank].Score)))
		alone := gap(rank) > m.tolerance && (rank == 0 || gap(rank-1) > m.tolerance)
		if (alone || m.exactIDs) && got[rank].ID != want[rank].ID {
			t.Errorf("%s: rank %d is %v, want %v", photo, rank+1, got[rank], want[rank])
		}
	}
	if worst > m.tolerance {
		t.Errorf("%s: a probability is off by %v: %v, want %v", photo, worst, got[:5], want)
	}
	return worst
}

// TestBatchComposition measures whether a photo's bits depend on its slot and on
// what else is in the batch. Whether they do is the library's affair, and the
// engine fixes batches by ordinal because of it; that the same batch twice gives
// the same bits is a must.
func TestBatchComposition(t *testing.T) {
	for _, m := range photoModels() {
		t.Run(m.name, func(t *testing.T) {
			s, list := openPhotoModel(t, m), crops(t)
			run := func(n int) []float32 {
				if err := s.Run(t.Context(), n); err != nil {
					t.Fatal(err)
				}
				all := make([]float32, n*s.Classes())
				for i := range n {
					s.Scores(i, all[i*s.Classes():(i+1)*s.Classes()])
				}
				return all
			}
			row := func(all []float32, i int) []float32 { return all[i*s.Classes() : (i+1)*s.Classes()] }
			m.fill(s, 0, list[0].rgb)
			alone := run(1)
			for slot := range s.Batch() {
				m.fill(s, slot, list[slot].rgb)
			}
			mixed := run(s.Batch())
			if !slices.Equal(mixed, run(s.Batch())) {
				t.Error("the same batch gave other bits the second time")
			}
			for slot := range s.Batch() {
				m.fill(s, slot, list[0].rgb)
			}
			same := run(s.Batch())
			slotFree := true
			for slot := range s.Batch() {
				slotFree = slotFree && slices.Equal(row(same, 0), row(same, slot))
			}
			t.Logf("equal bits: in every slot %v, beside other photos %v, alone and in a batch %v",
				slotFree, slices.Equal(row(same, 0), row(mixed, 0)), slices.Equal(row(same, 0), alone))
			for slot := range s.Batch() {
				for c, v := range row(same, slot) {
					if math.Abs(float64(v-alone[c])) > m.tolerance {
						t.Fatalf("slot %d, class %d: %v, alone %v", slot, c, v, alone[c])
					}
				}
			}
		})
	}
}

func BenchmarkRun(b *testing.B) {
	for _, m := range photoModels() {
		b.Run(m.name, func(b *testing.B) {
			s, list := openPhotoModel(b, m), crops(b)
			for slot := range s.Batch() {
				m.fill(s, slot, list[slot].rgb)
			}
			b.ResetTimer()
			for b.Loop() {
				if err := s.Run(b.Context(), s.Batch()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N*s.Batch()), "ms/image")
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	path := data(b, "models", "squeezenet1.1-fp32", "model.onnx")
	rt := needRuntime(b)
	for b.Loop() {
		s, err := Open(rt, path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

package pixel

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sharedData gives a path in the data folder beside the checkout, or skips.
func sharedData(t testing.TB, parts ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for !isFile(filepath.Join(dir, "go.mod")) {
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the package")
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(append([]string{dir, "..", "shared", "data"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs data that is not here: ../shared/data/%s", strings.Join(parts, "/"))
	}
	return path
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// enlarged is the reference photo that is smaller than the crop wants. libvips
// enlarges with a shift of half an output pixel, which we do not copy.
const enlarged = "n01630670_common_newt.JPEG"

// The crops of libvips, with libjpeg-turbo and lcms: equal but for photos with an
// ICC profile, which we apply after the resize and not before.
func TestReferenceCrops(t *testing.T) {
	crops, err := filepath.Glob(filepath.Join(sharedData(t, "reference", "tensors"), "*.rgb"))
	if err != nil || len(crops) == 0 {
		t.Fatalf("no crops: %v", err)
	}
	photos := sharedData(t, "images", "sample-public-400", "img")
	sum, n := 0.0, 0
	for _, crop := range crops {
		name := strings.TrimSuffix(filepath.Base(crop), ".224x224x3.rgb")
		data, err := os.ReadFile(filepath.Join(photos, name))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(crop)
		if err != nil {
			t.Fatal(err)
		}
		_, mean := distance(decodeOK(t, imagenet, data), want)
		if name == enlarged {
			if mean < 4 || mean > 7 {
				t.Errorf("%s: mean absolute error %.2f, expected to be near 6 for the shift", name, mean)
			}
			continue
		}
		sum, n = sum+mean, n+1
		if limit := map[bool]float64{true: 0.4, false: 1}[withTurbo]; mean > limit {
			t.Errorf("%s: mean absolute error %.2f", name, mean)
		}
	}
	t.Logf("mean absolute error of %d photos: %.3f", n, sum/float64(n))
}

// BenchmarkPhotos decodes the 400 sample photos and reports CPU time for each.
func BenchmarkPhotos(b *testing.B) {
	paths, err := filepath.Glob(filepath.Join(sharedData(b, "images", "sample-public-400", "img"), "*"))
	if err != nil || len(paths) == 0 {
		b.Fatalf("no photos: %v", err)
	}
	var photos [][]byte
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		photos = append(photos, data)
	}
	d := newDecoder(b, imagenet)
	dst := make([]byte, d.Bytes())
	runtime.GC()
	start := cpuTime(b)
	for b.Loop() {
		for _, data := range photos {
			if _, err := d.Decode(data, dst); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64((cpuTime(b)-start).Microseconds())/1000/float64(b.N*len(photos)), "cpu-ms/photo")
}

func cpuTime(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkDecodeTurbo decodes a generated 500x375 JPEG with the decoder that is
// built in.
func BenchmarkDecodeTurbo(b *testing.B) {
	data := asJPEG(b, sceneRGBA(500, 375))
	d := newDecoder(b, imagenet)
	dst := make([]byte, d.Bytes())
	for b.Loop() {
		if _, err := d.Decode(data, dst); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodePNG decodes and resamples a generated 500x375 PNG.
func BenchmarkDecodePNG(b *testing.B) {
	data := asPNG(b, sceneRGBA(500, 375))
	d := newDecoder(b, imagenet)
	dst := make([]byte, d.Bytes())
	for b.Loop() {
		if _, err := d.Decode(data, dst); err != nil {
			b.Fatal(err)
		}
	}
}

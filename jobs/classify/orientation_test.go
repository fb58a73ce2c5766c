package classify_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
)

// TestOrientation classifies one photo in the eight orientations of EXIF. Turned upright they are one photo to a model; as
// they are stored, they are not. Each of the photos has its orientation printed in the middle as a digit of 90 x 130 pixels, to
// which SqueezeNet is sensitive (a "1" is a cliff, a "2" an alp): it is painted over here.
func TestOrientation(t *testing.T) {
	needRuntime(t)
	photos := t.TempDir()
	for n := 1; n <= 8; n++ {
		withoutDigit(t, shared(t, "awkward", "public", "exif-orientation", fmt.Sprintf("Landscape_%d.jpg", n)),
			filepath.Join(photos, fmt.Sprintf("%d.jpg", n)), n)
	}
	upright, stored, plain := topOriented(t, photos, "exif"), topOriented(t, photos, "ignore"), topOriented(t, photos, "")
	differ := 0
	for n := 1; n <= 8; n++ {
		t.Logf("%d: upright %v, as stored %v", n, upright[n], stored[n])
		if common := inCommon(upright[n], upright[1]); upright[n][0] != upright[1][0] || common < 4 {
			t.Errorf("%d upright: %v, of the first one %v: %d in common", n, upright[n], upright[1], common)
		}
		if n > 1 && (stored[n][0] != stored[1][0] || inCommon(stored[n], stored[1]) < 4) {
			differ++
		}
		if !slices.Equal(plain[n], stored[n]) {
			t.Errorf("%d: the preset turns photos upright", n)
		}
	}
	if !slices.Equal(upright[1], stored[1]) {
		t.Errorf("the upright photo: %v and %v", upright[1], stored[1])
	}
	if differ < 6 { // a mirrored landscape may look the same
		t.Errorf("as stored, only %d of 7 differ", differ)
	}
}

// withoutDigit paints over the middle of a photo, and notes the orientation in the new file.
func withoutDigit(t *testing.T, from, to string, orientation int) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	photo, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	canvas := image.NewRGBA(photo.Bounds())
	draw.Draw(canvas, canvas.Rect, photo, image.Point{}, draw.Src)
	middle := canvas.Rect.Max.Div(2)
	digit := image.Rectangle{middle, middle}.Inset(-100)
	draw.Draw(canvas, digit, image.NewUniform(color.Gray{90}), image.Point{}, draw.Src)
	var file bytes.Buffer
	if err := jpeg.Encode(&file, canvas, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	exif := "Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string(rune(orientation)) + "\x00\x00\x00\x00\x00\x00"
	marked := slices.Concat([]byte{0xff, 0xd8, 0xff, 0xe1, 0, byte(len(exif) + 2)}, []byte(exif), file.Bytes()[2:])
	if err := os.WriteFile(to, marked, 0o600); err != nil {
		t.Fatal(err)
	}
}

// topOriented gives the ids of the first labels of the photos 1 to 8.
func topOriented(t *testing.T, photos, orientation string) map[int][]int32 {
	t.Helper()
	p := classify.Defaults()
	p.Model, p.Labels = shared(t, "models", "squeezenet1.1-fp32", "model.onnx"), shared(t, "models", "squeezenet1.1-fp32", "labels.txt")
	p.Preprocess, p.Orientation = "imagenet-caffe", orientation
	dir := filepath.Join(t.TempDir(), "job")
	mustRun(t, config(t, dir, p, photos), mapreduce.ExitComplete)
	ids := map[int][]int32{}
	for _, r := range readDataset(t, dir, "predictions", predictionColumns()) {
		n, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(r.Path), ".jpg"))
		if err != nil {
			t.Fatal(err)
		}
		ids[n] = append(ids[n], r.LabelID)
	}
	if len(ids) != 8 {
		t.Fatalf("%d photos", len(ids))
	}
	return ids
}

func inCommon(a, b []int32) (n int) {
	for _, id := range a {
		if slices.Contains(b, id) {
			n++
		}
	}
	return n
}

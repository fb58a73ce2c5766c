package pixel

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// imagenet are the options of all presets.
var imagenet = Options{Shorter: 256, CropWidth: 224, CropHeight: 224, ICC: true}

func TestView(t *testing.T) {
	halfEven, exact, plain := imagenet, Options{Width: 299, Height: 200, CropWidth: 100, CropHeight: 99}, Options{CropWidth: 3, CropHeight: 2}
	halfEven.HalfEven = true
	for _, tt := range []struct {
		opts Options
		w, h int
		turn orientation
		x, y axis
	}{
		{imagenet, 500, 375, 1, axis{500, 341, 58, 224}, axis{375, 256, 16, 224}},
		{imagenet, 375, 500, 1, axis{375, 256, 16, 224}, axis{500, 341, 58, 224}},
		{imagenet, 256, 256, 1, axis{256, 256, 16, 224}, axis{256, 256, 16, 224}},
		{imagenet, 1, 1000, 1, axis{1, 256, 16, 224}, axis{1000, 256000, 127888, 224}},
		{imagenet, 512, 257, 1, axis{512, 510, 143, 224}, axis{257, 256, 16, 224}},
		{imagenet, 3, 2, 1, axis{3, 384, 80, 224}, axis{2, 256, 16, 224}},
		{imagenet, 500, 334, 1, axis{500, 383, 79, 224}, axis{334, 256, 16, 224}},
		{halfEven, 500, 334, 1, axis{500, 383, 80, 224}, axis{334, 256, 16, 224}}, // 79.5 to 80
		{halfEven, 500, 375, 1, axis{500, 341, 58, 224}, axis{375, 256, 16, 224}}, // 58.5 to 58
		{exact, 50, 60, 1, axis{50, 299, 99, 100}, axis{60, 200, 50, 99}},
		{plain, 3, 2, 1, axis{3, 3, 0, 3}, axis{2, 2, 0, 2}},
		// Mirrored, the spare pixel lies on the other side.
		{imagenet, 500, 375, 2, axis{500, 341, 59, 224}, axis{375, 256, 16, 224}},
		{imagenet, 375, 500, 3, axis{375, 256, 16, 224}, axis{500, 341, 59, 224}},
		// Turned, the stored axes take each other's part.
		{exact, 50, 60, 5, axis{50, 200, 50, 99}, axis{60, 299, 99, 100}},
		{exact, 50, 60, 6, axis{50, 200, 50, 99}, axis{60, 299, 100, 100}},
		{exact, 50, 60, 7, axis{50, 200, 51, 99}, axis{60, 299, 100, 100}},
		{exact, 50, 60, 8, axis{50, 200, 51, 99}, axis{60, 299, 99, 100}},
	} {
		v, err := tt.opts.view(tt.w, tt.h, tt.turn)
		if err != nil {
			t.Errorf("%dx%d: %v", tt.w, tt.h, err)
		}
		if want := (view{tt.x, tt.y, tt.turn}); v != want {
			t.Errorf("%dx%d turn %d:\n got %v\nwant %v", tt.w, tt.h, tt.turn, v, want)
		}
	}
}

// Against the formulas in floating point.
func TestViewFormulas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 9000).Draw(t, "w"), rapid.IntRange(1, 9000).Draw(t, "h")
		o := imagenet
		o.HalfEven = rapid.Bool().Draw(t, "half-even")
		v, err := o.view(w, h, upright)
		if err != nil {
			t.Fatal(err)
		}
		longer := math.Round(256 * float64(max(w, h)) / float64(min(w, h)))
		round := math.Floor
		if o.HalfEven {
			round = math.RoundToEven
		}
		got := v.x
		if h > w {
			got = v.y
		}
		if want := (axis{max(w, h), int(longer), int(round((longer - 224) / 2)), 224}); got != want {
			t.Fatalf("%dx%d: %v, want %v", w, h, got, want)
		}
	})
}

func TestViewRefuses(t *testing.T) {
	capped := imagenet
	capped.MaxPixels = 5000
	for _, tt := range []struct {
		opts Options
		w, h int
		turn orientation
		want string
	}{
		{imagenet, 65536, 65536, 1, "65536x65536 is over --max-pixels 100000000"},
		{imagenet, 10001, 10000, 1, "10001x10000 is over --max-pixels 100000000"},
		{imagenet, math.MaxUint32, math.MaxUint32, 1, "4294967295x4294967295 is over --max-pixels 100000000"},
		{capped, 51, 100, 6, "51x100 is over --max-pixels 5000"},
		{imagenet, 1<<20 + 1, 5, 1, "1048577x5 has a side over 1048576 pixels"},
		{imagenet, 1, 100_000_000, 1, "1x100000000 has a side over 1048576 pixels"},
		{imagenet, 0, 5, 1, "the image has no pixels"},
		{imagenet, 5, 0, 1, "the image has no pixels"},
		{Options{CropWidth: 10, CropHeight: 5}, 9, 20, 1, "9x20 is smaller than the crop 10x5"},
		{Options{CropWidth: 10, CropHeight: 5}, 20, 4, 1, "20x4 is smaller than the crop 10x5"},
		{Options{CropWidth: 10, CropHeight: 5}, 10, 5, 6, "5x10 is smaller than the crop 10x5"},
	} {
		if _, err := tt.opts.view(tt.w, tt.h, tt.turn); err == nil || err.Error() != tt.want {
			t.Errorf("%dx%d: %v, want %q", tt.w, tt.h, err, tt.want)
		}
	}
	if _, err := imagenet.view(10000, 10000, 1); err != nil {
		t.Errorf("an image just at the cap: %v", err)
	}
}

func TestOptionsValidate(t *testing.T) {
	for _, tt := range []struct {
		opts Options
		want string // "" is valid
	}{
		{imagenet, ""},
		{Options{Width: 224, Height: 224}, ""},
		{Options{Width: 256, Height: 256, CropWidth: 256, CropHeight: 1}, ""},
		{Options{CropWidth: 5, CropHeight: 5}, ""},
		{Options{}, "must be exact"},
		{Options{Shorter: 256}, "must be exact"},
		{Options{Shorter: -1, CropWidth: 1, CropHeight: 1}, "a side of -1 pixels"},
		{Options{Width: MaxSide + 1, Height: 1}, "a side of 8193 pixels"},
		{Options{Width: 5}, "both width and height"},
		{Options{Height: 5, CropWidth: 1, CropHeight: 1}, "both width and height"},
		{Options{Shorter: 5, CropWidth: 1}, "both width and height"},
		{Options{Shorter: 5, Width: 5, Height: 5}, "both a shorter side and an exact size"},
		{Options{Shorter: 5, CropWidth: 6, CropHeight: 5}, "larger than the resized image"},
		{Options{Width: 5, Height: 9, CropWidth: 5, CropHeight: 10}, "larger than the resized image"},
		{Options{Width: 5, Height: 5, MaxPixels: -1}, "the pixel cap -1 is negative"},
	} {
		err := tt.opts.Validate()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%+v: %v, want %q", tt.opts, err, tt.want)
		}
		if _, newErr := New(tt.opts); (newErr == nil) != (err == nil) {
			t.Errorf("%+v: New says %v, Validate %v", tt.opts, newErr, err)
		}
	}
}

package pixel

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeRefusesWrongBuffer(t *testing.T) {
	d := newDecoder(t, small)
	_, err := d.Decode(asPNG(t, noise(5, 5, 1)), make([]byte, d.Bytes()-1))
	if r := (*RejectError)(nil); err == nil || errors.As(err, &r) {
		t.Errorf("error %v, want one that does not blame the image", err)
	}
}

func TestGuardCatchesPanics(t *testing.T) {
	_, err := guard(formatTIFF, func() (int, error) { panic("at 0xc000012345") })
	if r := (*RejectError)(nil); !errors.As(err, &r) || r.Reason != "the TIFF decoder panicked" {
		t.Errorf("got %v", err)
	}
	if _, err := guard(formatPNG, func() (int, error) { return 0, fmt.Errorf("png: %w", io.EOF) }); err.Error() != "unexpected EOF" {
		t.Errorf("got %v", err)
	}
}

// What a decoder did before must not show: its memory is reused.
func TestReuseDoesNotShow(t *testing.T) {
	files := [][]byte{
		asJPEG(t, noise(300, 200, 1)), asPNG(t, noise(30, 500, 2)),
		{0xff, 0xd8, 0xff},
		asGIF(t, noise(99, 98, 3)),
		asJPEG(t, noise(60, 44, 4)), asJPEG(t, noise(400, 300, 1))[:9000], solidWebP(7, 7, color.RGBA{1, 2, 3, 255}),
	}
	reused := newDecoder(t, small)
	got, want := make([]byte, reused.Bytes()), make([]byte, reused.Bytes())
	for i := range 3 * len(files) {
		data := files[i*5%len(files)]
		fresh := newDecoder(t, small)
		status1, err1 := reused.Decode(data, got)
		status2, err2 := fresh.Decode(data, want)
		if status1 != status2 || reason(err1) != reason(err2) || err1 == nil && !bytes.Equal(got, want) {
			t.Errorf("file %d: %v, %v after others; %v, %v alone", i*5%len(files), status1, err1, status2, err2)
		}
	}
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Decoders share nothing: many at once give what one gives.
func TestDecodersAreIndependent(t *testing.T) {
	files := [][]byte{asJPEG(t, noise(300, 200, 1)), asPNG(t, noise(90, 91, 2)), asJPEG(t, noise(300, 200, 3))[:8000], []byte("\xff\xd8\xff\xdb\x00")}
	type outcome struct {
		status Status
		reason string
		pixels string
	}
	decodeAll := func() ([]outcome, error) {
		d, err := New(small)
		if err != nil {
			return nil, err
		}
		defer d.Close()
		var all []outcome
		dst := make([]byte, d.Bytes())
		for range 5 {
			for _, data := range files {
				clear(dst)
				status, err := d.Decode(data, dst)
				if err != nil {
					clear(dst)
				}
				all = append(all, outcome{status, reason(err) + d.Warning(), string(dst)})
			}
		}
		return all, nil
	}
	want, err := decodeAll()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			got, err := decodeAll()
			if err != nil || !cmp.Equal(want, got, cmp.AllowUnexported(outcome{})) {
				t.Errorf("another outcome (%v)", err)
			}
		})
	}
	wg.Wait()
}

func TestCloseTwice(t *testing.T) {
	d, err := New(small)
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
	d.Close()
}

// Scratch memory of the resampler is bounded by the longest side allowed.
func TestLongestSide(t *testing.T) {
	for _, size := range []image.Point{{longest, 1}, {1, longest}} {
		m := image.NewRGBA(image.Rectangle{Max: size})
		for i := range m.Pix {
			m.Pix[i] = 77 | byte(i%4/3*255)
		}
		d := newDecoder(t, small)
		pic, v, err := d.open(asPNG(t, m))
		if err != nil {
			t.Fatal(err)
		}
		d.resample(pic, v, d.crop)
		if d.crop[0] != 77 || d.crop[len(d.crop)-1] != 77 {
			t.Errorf("%v: samples %d and %d", size, d.crop[0], d.crop[len(d.crop)-1])
		}
		held := cap(d.scratch) + cap(d.band) + 2*cap(d.tx.weight) + 2*cap(d.ty.weight)
		if limit := 115 * longest; held > limit {
			t.Errorf("%v: %d bytes of scratch, over %d", size, held, limit)
		}
		d.trim()
		if held := cap(d.scratch) + cap(d.band) + cap(d.pixels); held > 3*keep {
			t.Errorf("%v: %d bytes kept", size, held)
		}
	}
}

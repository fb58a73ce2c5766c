package pixel

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// awkward lists every image of the awkward collection with the outcome wanted:
// ok, damaged or the reason for the reject; and that of the build without
// libjpeg-turbo where it differs.
var awkward = []struct{ file, want, without string }{
	{"65536x65536.png", "65536x65536 is over --max-pixels 100000000", ""},
	{"alpha-1024x768.png", "ok", ""},
	{"animated-apng.png", "ok", ""},
	{"animated.gif", "ok", ""},
	{"broken_data_stream.png", "png: invalid format: bad filter type", ""},
	{"cmyk-icc.jpg", "ok", ""},
	{"cmyk-noprofile.jpg", "ok", ""},
	{"corrupt-jpeg/1cbb1bb37d62c44f67374cd451643dc4.jpg", "damaged", "invalid JPEG format: missing 0xff00 sequence"},
	{"corrupt-jpeg/21a84b8472f6d18f5bb5c0026e97cfaa.jpg", "Invalid component ID 2 in SOS", "invalid JPEG format: repeated component selector"},
	{"corrupt-jpeg/21ad703b38e2c350215bb92a849486f3.jpg", "damaged", "invalid JPEG format: bad Huffman code"},
	{"corrupt-jpeg/255015e07b6f9137b53b0f97d67a8aef.jpg", "damaged", "invalid JPEG format: missing 0xff00 sequence"},
	{"corrupt-jpeg/28c74d9284d9836017fd519f6932efd8.jpg", "damaged", "ok"},
	{"corrupt-jpeg/2c9e7a1805f8b47630bbb83d21bf8222.jpg", "damaged", "invalid JPEG format: missing 0xff00 sequence"},
	{"corrupt-jpeg/316be81dfdeeb942e904feb3a77f4f83.jpg", "ok", ""},
	{"corrupt-jpeg/46e5ac4a62d7a445a7c1fb704fafe05c.jpg", "Invalid component ID 2 in SOS", "invalid JPEG format: repeated component selector"},
	{"corrupt-jpeg/5633ed9d0eb700d0093bf85d86a95ebf.jpg", "Invalid JPEG file structure: SOS before SOF", "invalid JPEG format: missing SOF marker"},
	{"corrupt-jpeg/56d4a1bb53241f7c5ed6ab531320a542.jpg", "damaged", "invalid JPEG format: missing 0xff00 sequence"},
	{"corrupt-jpeg/5baad44ca4702949724234e35c5bb341.jpg", "damaged", "invalid JPEG format: missing 0xff00 sequence"},
	{"corrupt-jpeg/5c67195f6993c9f8d0d32d4ffe0d8e62.jpg", "damaged", "invalid JPEG format: missing 0xff00 sequence"},
	{"corrupt-jpeg/6de166ee2a3a60df9017650e2a808408.jpg", "Bogus marker length", "unexpected EOF"},
	{"corrupt-jpeg/72d091e08c93c9e590360130fa35221b.jpg", "Bogus marker length", "invalid JPEG format: DHT has wrong length"},
	{"corrupt-jpeg/786b67badc535fc95a4a76c29a0e0146.jpg", "Bogus Huffman table definition", "invalid JPEG format: unknown marker"},
	{"corrupt-jpeg/79f5fc6bca756e1f067c6fc83e18b32e.jpg", "damaged", "invalid JPEG format: missing 0xff00 sequence"},
	{"corrupt-jpeg/7dbf474f80e466e9e25ee46b84166420.jpg", "Bogus DQT index 15", "invalid JPEG format: unknown marker"},
	{"corrupt-jpeg/8417a305e3b43d5b1bda4ff06a660c54.jpg", "Invalid component ID 2 in SOS", "unsupported JPEG feature: luma/chroma subsampling ratio"},
	{"corrupt-jpeg/865db3dd2d380626f16b6f9dc6d62dba.jpg", "ok", ""},
	{"corrupt-jpeg/8e330afbd99ba01b66570ed62fcdc6ab.jpg", "Bogus Huffman table definition", "unexpected EOF"},
	{"corrupt-jpeg/90e46387f562ca8fa106b51dfcda1dc6.jpg", "9-bit JPEG is not supported", ""},
	{"corrupt-jpeg/9efd60f04cd971daa83d3131e6d6f389.jpg", "damaged", "invalid JPEG format: bad Huffman code"},
	{"corrupt-jpeg/acce3629083f0e348e94fb58f952d3de.jpg", "the image has no pixels", "unexpected EOF"},
	{"corrupt-jpeg/adcb34b94f4c839bdd29037419a0ee53.jpg", "Bogus DAC index 74", "unsupported JPEG feature: unknown marker"},
	{"corrupt-jpeg/b4103df93880fc5677c2a081e4bfc712.jpg", "damaged", "invalid JPEG format: missing 0xff00 sequence"},
	{"corrupt-jpeg/b5369bcbddca7135a5708c5237ad64e4.jpg", "Bogus DAC value 0x2", "unsupported JPEG feature: luma/chroma subsampling ratio"},
	{"corrupt-jpeg/b55977028a3a574336966b6536640fc9.jpg", "damaged", "invalid JPEG format: missing 0xff00 sequence"},
	{"corrupt-jpeg/ba60305ac83fe3d8ef01da1d9a0ecc79.jpg", "damaged", "invalid JPEG format: bad Huffman code"},
	{"corrupt-jpeg/bd8cf05698aee36b82b4caf58edea442.jpg", "Invalid component ID 3 in SOS", "invalid JPEG format: short segment length"},
	{"corrupt-jpeg/c8c1a5675f82021d92b928a10c597bad.jpg", "Bogus marker length", "invalid JPEG format: bad Huffman code"},
	{"corrupt-jpeg/d15b71b8cebe35a57cc6e996cc09218b.jpg", "damaged", "invalid JPEG format: bad Huffman code"},
	{"corrupt-jpeg/d22db5be7594c17a18a047ca9264ea0a.jpg", "ok", ""},
	{"corrupt-jpeg/derive-huffman-codes-overflow.jpg", "Bogus Huffman table definition", "invalid JPEG format: bad Tc value"},
	{"corrupt-jpeg/e6d9eca2c7405e13cfb850b7d0ef7476.jpg", "Bogus DAC value 0x3", "unsupported JPEG feature: luma/chroma subsampling ratio"},
	{"corrupt-jpeg/eddea4ef9629be031f750a8ff0b7497c.jpg", "Too many color components: 17, max 10", "unsupported JPEG feature: number of components"},
	{"corrupt-jpeg/empty.jpg", "empty file", ""},
	{"corrupt-jpeg/extraneous-bytes-after-sos.jpg", "damaged", "ok"},
	{"corrupt-jpeg/f006e96f3b27fdfaa075322d759ea2e8.jpg", "damaged", "invalid JPEG format: missing 0xff00 sequence"},
	{"corrupt-jpeg/f6b4389c3cf0f5997b2e5a4b905aea8d.jpg", "damaged", "invalid JPEG format: unknown marker"},
	{"corrupt-jpeg/invalid-dimensions.jpg", "Empty JPEG image (DNL not supported)", "the image has no pixels"},
	{"corrupt-jpeg/missing-sos.jpg", "Invalid JPEG file structure: missing SOS marker", "invalid JPEG format: missing SOS marker"},
	{"corrupt-jpeg/multiple-0xff-before-eoi.jpg", "ok", ""},
	{"exif-orientation/Landscape_1.jpg", "ok", ""},
	{"exif-orientation/Landscape_2.jpg", "ok", ""},
	{"exif-orientation/Landscape_3.jpg", "ok", ""},
	{"exif-orientation/Landscape_4.jpg", "ok", ""},
	{"exif-orientation/Landscape_5.jpg", "ok", ""},
	{"exif-orientation/Landscape_6.jpg", "ok", ""},
	{"exif-orientation/Landscape_7.jpg", "ok", ""},
	{"exif-orientation/Landscape_8.jpg", "ok", ""},
	{"giant-dimensions.jpg", "20000x14000 is over --max-pixels 100000000", ""},
	{"gray.jpg", "ok", ""},
	{"jpeg-12bit.jpg", "12-bit JPEG is not supported", ""},
	{"jpeg-arithmetic-coded.jpg", "ok", "unsupported JPEG feature: unknown marker"},
	{"jpeg-variants/grayscale_long.jpg", "ok", ""},
	{"jpeg-variants/grayscale_square.jpg", "ok", ""},
	{"jpeg-variants/mozilla__jpg-cmyk-2.jpg", "ok", "unsupported JPEG feature: luma/chroma subsampling ratio"},
	{"jpeg-variants/mozilla__jpg-gray.jpg", "ok", ""},
	{"jpeg-variants/mozilla__jpg-progressive.jpg", "ok", ""},
	{"jpeg-variants/mozilla__jpg-size-15x15.jpg", "ok", ""},
	{"jpeg-variants/mozilla__jpg-size-16x16.jpg", "ok", ""},
	{"jpeg-variants/mozilla__jpg-size-17x17.jpg", "ok", ""},
	{"jpeg-variants/mozilla__jpg-size-1x1.jpg", "ok", ""},
	{"jpeg-variants/mozilla__jpg-size-32x32.jpg", "ok", ""},
	{"jpeg-variants/mozilla__jpg-size-33x33.jpg", "ok", ""},
	{"jpeg-variants/mozilla__jpg-size-4x4.jpg", "ok", ""},
	{"jpeg-variants/mozilla__jpg-size-8x8.jpg", "ok", ""},
	{"jpeg-variants/mozilla__jpg-size-9x9.jpg", "ok", ""},
	{"jpeg-variants/mozilla__jpg-srgb-icc.jpg", "ok", ""},
	{"jpeg-variants/non-interleaved-mcu.jpg", "ok", "invalid JPEG format: missing 0xff00 sequence"},
	{"jpeg-variants/partial_progressive.jpg", "damaged", "invalid JPEG format: missing 0xff00 sequence"},
	{"jpeg-variants/progressive-missing-ac.jpg", "ok", ""},
	{"jpeg-variants/progressive-missing-dc.jpg", "damaged", "ok"},
	{"jpeg-variants/rgb.jpg", "ok", ""},
	{"photo.webp", "ok", ""},
	{"png-16bit.png", "ok", ""},
	{"png-palette.png", "ok", ""},
	{"pngsuite-basi2c08.png", "ok", ""},
	{"pngsuite-basn2c16.png", "ok", ""},
	{"pngsuite-basn6a16.png", "ok", ""},
	{"pngsuite-tbbn3p08.png", "ok", ""},
	{"pngsuite-tp1n3p08.png", "ok", ""},
	{"single-frame.gif", "ok", ""},
	{"truncated.jpg", "damaged", "unexpected EOF"},
	{"truncated.png", "png: invalid format: not enough pixel data", ""},
	{"ycck.jpg", "ok", ""},
}

func TestAwkward(t *testing.T) {
	dir := sharedData(t, "awkward", "public")
	var listed []string
	reused := newDecoder(t, imagenet)
	after, alone := make([]byte, reused.Bytes()), make([]byte, reused.Bytes())
	for _, tt := range awkward {
		listed = append(listed, tt.file)
		t.Run(tt.file, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(tt.file)))
			if err != nil {
				t.Fatal(err)
			}
			want := tt.want
			if !withTurbo && tt.without != "" {
				want = tt.without
			}
			if got := outcomeOf(reused, data, after); got != want {
				t.Errorf("outcome %q, want %q", got, want)
			}
			// Damage must not show what the decoder's memory held before.
			got := outcomeOf(newDecoder(t, imagenet), data, alone)
			if got != want || (got == "ok" || got == "damaged") && !bytes.Equal(after, alone) {
				t.Errorf("alone: outcome %q or other pixels", got)
			}
		})
	}
	checkListed(t, dir, listed)
}

func outcomeOf(d *Decoder, data, dst []byte) string {
	status, err := d.Decode(data, dst)
	if err != nil {
		return err.Error()
	}
	return status.String()
}

// checkListed fails for an image that the table lacks.
func checkListed(t *testing.T, dir string, listed []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		isImage := slices.Contains([]string{".jpg", ".png", ".gif", ".webp"}, filepath.Ext(path))
		if isImage && !slices.Contains(listed, filepath.ToSlash(name)) {
			t.Errorf("%s is not in the table", name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// With EXIF on, the eight Landscape photos are one upright photo.
func TestLandscapes(t *testing.T) {
	dir := sharedData(t, "awkward", "public", "exif-orientation")
	opts := imagenet
	opts.EXIF = true
	read := func(n string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, "Landscape_"+n+".jpg"))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	want := decodeOK(t, opts, read("1"))
	for _, n := range []string{"2", "3", "4", "5", "6", "7", "8"} {
		t.Run(n, func(t *testing.T) {
			_, mean := distance(decodeOK(t, opts, read(n)), want)
			_, stored := distance(decodeOK(t, imagenet, read(n)), want)
			if mean > 3 || stored < 5*mean {
				t.Errorf("mean difference %.2f with EXIF, %.2f without", mean, stored)
			}
		})
	}
}

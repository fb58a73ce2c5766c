package preprocess

import "testing"

// BenchmarkFill fills a slot for a 224x224 crop by each preset and element type.
func BenchmarkFill(b *testing.B) {
	for _, name := range Presets() {
		s, _ := preset(name)
		f, err := NewFiller(s)
		if err != nil {
			b.Fatal(err)
		}
		crop := make([]byte, f.Len())
		for i := range crop {
			crop[i] = byte(i * 7)
		}
		b.Run(name+"/float32", func(b *testing.B) {
			dst := make([]float32, f.Len())
			for b.Loop() {
				f.FillFloat32(dst, crop)
			}
		})
		b.Run(name+"/float16", func(b *testing.B) {
			dst := make([]uint16, f.Len())
			for b.Loop() {
				f.FillFloat16(dst, crop)
			}
		})
		b.Run(name+"/uint8", func(b *testing.B) {
			dst := make([]byte, f.Len())
			for b.Loop() {
				f.FillUint8(dst, crop)
			}
		})
	}
}

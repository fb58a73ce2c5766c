package rowgroup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow/float16"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"github.com/shardmill/shardmill/formats"
)

var (
	none       = schema.NoLogicalType{}
	deltaInts  = []parquet.Encoding{parquet.Encodings.DeltaBinaryPacked}
	deltaTexts = []parquet.Encoding{parquet.Encodings.DeltaLengthByteArray, parquet.Encodings.DeltaByteArray}
)

// spread returns an integer that differs from row to row, in its high bits too, and often repeats.
func spread(i int) int64 {
	switch i % 5 {
	case 0:
		return 42
	case 1:
		return int64(i)
	case 2:
		return math.MinInt64 + int64(i)
	case 3:
		return math.MaxInt64 - int64(i)
	}
	return int64(uint64(i%50) * 0x9e3779b97f4a7c15)
}

func word(i int) string {
	return strings.Repeat("ä猫x", i%4) + fmt.Sprint("-", i%300)
}

// specs has a column of each type.
func specs() []spec {
	return append(append(plainSpecs(), intSpecs()...), append(timeSpecs(), byteSpecs()...)...)
}

func plainSpecs() []spec {
	t := parquet.Types
	half := func(i int) float32 { return float32(i%2000)/4 - 100 }
	return []spec{
		{"bool", none, t.Boolean, 0, values(func(i int) bool { return i%3 == 0 }), func(i int) Value { return boolValue(i%3 == 0) }, []parquet.Encoding{parquet.Encodings.RLE}},
		{"plain32", none, t.Int32, 0, values(func(i int) int32 { return int32(spread(i)) }), func(i int) Value { return intValue(int64(int32(spread(i)))) }, deltaInts},
		{"plain64", none, t.Int64, 0, values(spread), func(i int) Value { return intValue(spread(i)) }, deltaInts},
		{"float", none, t.Float, 0, values(func(i int) float32 { return float32(i) / 3 }), func(i int) Value { return floatValue(float64(float32(i) / 3)) }, nil},
		{"double", none, t.Double, 0, values(func(i int) float64 { return 1 / float64(i-9) }), func(i int) Value { return floatValue(1 / float64(i-9)) }, nil},
		{
			"float16",
			schema.Float16LogicalType{},
			t.FixedLenByteArray, 2,
			fixedArrays(func(i int) []byte { return binary.LittleEndian.AppendUint16(nil, float16.New(half(i)).Uint16()) }),
			func(i int) Value { return floatValue(float64(half(i))) }, nil,
		},
	}
}

func intSpecs() []spec {
	var out []spec
	for _, bits := range []int8{8, 16, 32} {
		shift := 64 - bits
		out = append(out,
			spec{
				fmt.Sprint("int", bits), schema.NewIntLogicalType(bits, true), parquet.Types.Int32, 0,
				values(func(i int) int32 { return int32(spread(i) << shift >> shift) }),
				func(i int) Value { return intValue(spread(i) << shift >> shift) }, deltaInts,
			},
			spec{
				fmt.Sprint("uint", bits), schema.NewIntLogicalType(bits, false), parquet.Types.Int32, 0,
				values(func(i int) int32 { return int32(uint64(spread(i)) << shift >> shift) }),
				func(i int) Value { return intValue(int64(uint64(spread(i)) << shift >> shift)) }, deltaInts,
			})
	}
	return append(out, spec{"uint64", schema.NewIntLogicalType(64, false), parquet.Types.Int64, 0, values(spread), func(i int) Value {
		if n := spread(i); n >= 0 {
			return intValue(n)
		}
		return textValue(fmt.Sprint(uint64(spread(i))))
	}, deltaInts})
}

func timeSpecs() []spec {
	var out []spec
	start := time.Date(1969, 12, 31, 12, 0, 0, 0, time.UTC)
	at := func(i int) time.Time { return start.Add(time.Duration(i) * 61234567890) }
	for _, u := range []struct {
		unit     schema.TimeUnitType
		length   time.Duration
		fraction string
		name     string
	}{
		{schema.TimeUnitMillis, time.Millisecond, ".000", "ms"},
		{schema.TimeUnitMicros, time.Microsecond, ".000000", "us"},
		{schema.TimeUnitNanos, time.Nanosecond, ".000000000", "ns"},
	} {
		for zone, utc := range map[string]bool{"": false, "Z": true} {
			out = append(out, spec{
				"timestamp-" + u.name + zone, schema.NewTimestampLogicalType(utc, u.unit), parquet.Types.Int64, 0,
				values(func(i int) int64 { return floor(at(i).UnixNano(), int64(u.length)) }),
				func(i int) Value { return textValue(at(i).Format("2006-01-02T15:04:05" + u.fraction + zone)) }, deltaInts,
			})
		}
		clock := func(i int) time.Duration { return time.Duration(i) * 12345678 % (24 * time.Hour) }
		s := spec{
			"time-" + u.name, schema.NewTimeLogicalType(true, u.unit), parquet.Types.Int64, 0,
			values(func(i int) int64 { return int64(clock(i) / u.length) }),
			func(i int) Value { return textValue(time.Time{}.Add(clock(i)).Format("15:04:05" + u.fraction)) }, deltaInts,
		}
		if u.unit == schema.TimeUnitMillis {
			s.typ, s.write = parquet.Types.Int32, values(func(i int) int32 { return int32(clock(i) / u.length) })
		}
		out = append(out, s)
	}
	return append(out,
		spec{
			"date",
			schema.DateLogicalType{},
			parquet.Types.Int32, 0, values(func(i int) int32 { return int32(i - 1000) }),
			func(i int) Value { return day(time.Unix(0, 0).UTC(), i-1000) }, deltaInts,
		},
		spec{"int96", none, parquet.Types.Int96, 0, values(func(i int) (v parquet.Int96) {
			t := at(i)
			binary.LittleEndian.PutUint64(v[:], uint64(t.Sub(t.Truncate(24*time.Hour))))
			binary.LittleEndian.PutUint32(v[8:], uint32(floor(t.Unix(), 86400)+2440588))
			return v
		}), func(i int) Value { return textValue(at(i).Format("2006-01-02T15:04:05.000000000")) }, nil})
}

func floor(n, d int64) int64 {
	q := n / d
	if n%d < 0 {
		q--
	}
	return q
}

func byteSpecs() []spec {
	texts, words := byteArrays(func(i int) []byte { return []byte(word(i)) }), func(i int) Value { return textValue(word(i)) }
	out := []spec{
		{"string", schema.StringLogicalType{}, parquet.Types.ByteArray, 0, texts, words, deltaTexts},
		{"json", schema.JSONLogicalType{}, parquet.Types.ByteArray, 0, texts, words, deltaTexts},
		{"enum", schema.EnumLogicalType{}, parquet.Types.ByteArray, 0, texts, words, deltaTexts},
		{"bytes", none, parquet.Types.ByteArray, 0, texts, words, deltaTexts},
		{
			"fixed", none, parquet.Types.FixedLenByteArray, 6, fixedArrays(func(i int) []byte { return fmt.Appendf(nil, "%06d", i) }),
			func(i int) Value { return textValue(fmt.Sprintf("%06d", i)) }, nil,
		},
		{
			"uuid",
			schema.UUIDLogicalType{},
			parquet.Types.FixedLenByteArray, 16, fixedArrays(func(i int) []byte { return []byte(fmt.Sprintf("%016d", i)) }),
			func(i int) Value {
				x := fmt.Sprintf("%x", fmt.Sprintf("%016d", i))
				return textValue(x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:])
			}, nil,
		},
		{
			"decimal32", schema.NewDecimalLogicalType(9, 4), parquet.Types.Int32, 0, values(func(i int) int32 { return int32(spread(i) % 1e9) }),
			func(i int) Value { return decimal(big.NewInt(int64(int32(spread(i)%1e9))), 4) }, deltaInts,
		},
		{
			"decimal64", schema.NewDecimalLogicalType(18, 0), parquet.Types.Int64, 0, values(func(i int) int64 { return spread(i) % 1e18 }),
			func(i int) Value { return decimal(big.NewInt(spread(i)%1e18), 0) }, deltaInts,
		},
	}
	for _, width := range []int{3, 8, 16} {
		scale := width
		value := func(i int) *big.Int {
			n := big.NewInt(spread(i) % 1000003)
			return n.Lsh(n, uint(8*(width-3)))
		}
		out = append(out, spec{
			fmt.Sprint("decimal-", width), schema.NewDecimalLogicalType(int32(width*2), int32(scale)), parquet.Types.FixedLenByteArray, width,
			fixedArrays(func(i int) []byte { return complement(value(i), width) }), func(i int) Value { return decimal(value(i), scale) }, nil,
		})
	}
	return append(out, spec{
		"decimal-bytes", schema.NewDecimalLogicalType(30, 2), parquet.Types.ByteArray, 0,
		byteArrays(func(i int) []byte { return complement(big.NewInt(spread(i)), 8+i%5) }),
		func(i int) Value { return decimal(big.NewInt(spread(i)), 2) }, deltaTexts,
	})
}

// complement returns the two's complement of n, high byte first.
func complement(n *big.Int, width int) []byte {
	m := new(big.Int).Set(n)
	if n.Sign() < 0 {
		m.Add(m, new(big.Int).Lsh(big.NewInt(1), uint(8*width)))
	}
	return m.FillBytes(make([]byte, width))
}

// decimal is exact arithmetic of the standard library.
func decimal(unscaled *big.Int, scale int) Value {
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
	return textValue(new(big.Rat).SetFrac(unscaled, power).FloatString(scale))
}

func shapes() []shape {
	var out []shape
	groups := []int{700, 0, 1, 2300}
	for _, rep := range []parquet.Repetition{parquet.Repetitions.Required, parquet.Repetitions.Optional} {
		for _, page := range []parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2} {
			for coding := range 4 { // 3 stands for dictionaries
				for _, codec := range []compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy} {
					out = append(out, shape{rep, coding == 3, coding % 3, page, codec, groups, 1500})
				}
			}
			for _, codec := range []compress.Compression{compress.Codecs.Gzip, compress.Codecs.Brotli, compress.Codecs.Zstd} {
				out = append(out, shape{rep, true, 0, page, codec, groups, 1 << 20})
			}
		}
	}
	return out
}

// TestTypes reads each type in each way in which arrow/go writes it.
func TestTypes(t *testing.T) {
	for _, s := range shapes() {
		t.Run(s.String(), func(t *testing.T) {
			columns := specs()
			if s.codec > compress.Codecs.Snappy { // whose writers are slow to make
				columns = []spec{columns[0], columns[2], columns[4], columns[len(columns)-12]}
			}
			data := s.file(t, columns)
			rows := 0
			err := each(data, func(row *Row, err error) {
				if err != nil || row.Number != int64(rows+1) {
					t.Fatalf("row %d is number %d, %v", rows, row.Number, err)
				}
				for i, v := range row.Values {
					want := unless(s.null(rows), columns[i].want(rows))
					if !same(v, want) {
						t.Fatalf("row %d, %s: %+v (%s), want %+v (%s)", rows, columns[i].name, v, v.Text, want, want.Text)
					}
				}
				rows++
			})
			if err != nil || rows != 3001 {
				t.Fatalf("%d rows, %v", rows, err)
			}
		})
	}
}

// TestKinds checks what Inspect says of the types.
func TestKinds(t *testing.T) {
	columns := specs()
	info, err := inspect(shapes()[0].file(t, columns))
	if err != nil || len(info.Columns) != len(columns) {
		t.Fatal(info, err)
	}
	for i, c := range info.Columns {
		want := columns[i].want(1).Kind // no row 1 is null, nor a uint64 beyond 63 bits
		if c.Name != columns[i].name || c.Kind != want || !strings.Contains(c.Type, columns[i].typ.String()) {
			t.Errorf("%+v, want %s of kind %v", c, columns[i].name, want)
		}
	}
	for i, want := range []int64{700, 0, 1, 2300} {
		if info.Groups[i].Rows != want || (info.Groups[i].Bytes > 0) != (want > 0) {
			t.Errorf("row group %d: %+v", i, info.Groups[i])
		}
	}
}

// TestBadValues reads on after values without a text form.
func TestBadValues(t *testing.T) {
	columns := []spec{
		{name: "text", logical: schema.StringLogicalType{}, typ: parquet.Types.ByteArray, write: byteArrays(func(i int) []byte {
			if i%10 == 4 {
				return []byte("caf\xe9")
			}
			return []byte("café")
		})},
		{name: "time", logical: schema.NewTimestampLogicalType(true, schema.TimeUnitMicros), typ: parquet.Types.Int64, write: values(func(i int) int64 {
			return []int64{0, 253402300799999999, 253402300800000000, -62167219200000000, -62167219200000001}[i%5]
		})},
		{name: "clock", logical: schema.NewTimeLogicalType(true, schema.TimeUnitMicros), typ: parquet.Types.Int64, write: values(func(i int) int64 {
			return []int64{0, 86400e6 - 1, 86400e6, -1}[min(i%12, 3)] % (86400e6 + int64(i%2))
		})},
		{name: "decimal", logical: schema.NewDecimalLogicalType(9, 2), typ: parquet.Types.ByteArray, write: byteArrays(func(i int) []byte {
			return make([]byte, []int{1, 32, 33, 0}[i%4])
		})},
	}
	s := shape{codec: compress.Codecs.Snappy, dictionary: true, groups: []int{100}, pageBytes: 200}
	data := s.file(t, columns)
	for name, want := range map[string]struct {
		bad func(i int) bool
		err error
		raw string
	}{
		"text":    {func(i int) bool { return i%10 == 4 }, formats.ErrNotUTF8, "caf\uFFFD"},
		"time":    {func(i int) bool { return i%5 == 2 || i%5 == 4 }, ErrRange, ""},
		"decimal": {func(i int) bool { return i%4 >= 2 }, ErrRange, ""},
	} {
		r, err := open(data, 0, 1, name)
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		err = drain(r, func(row *Row, err error) {
			var e *formats.RowError
			if errors.As(err, &e) != want.bad(rows) || row.Number != int64(rows+1) {
				t.Fatalf("%s: row %d, number %d: %v", name, rows, row.Number, err)
			}
			if e != nil && (e.Line != row.Number || e.Last != row.Number || e.Column != name || e.File != "x.parquet" || e.Raw != want.raw || !errors.Is(err, want.err)) {
				t.Fatalf("%s: %#v", name, e)
			}
			rows++
		})
		if err != nil || rows != 100 {
			t.Fatalf("%s: %d rows, %v", name, rows, err)
		}
	}
}

// TestTimeOfDay checks the ends of the day.
func TestTimeOfDay(t *testing.T) {
	set := timesOfDay(schema.TimeUnitMillis).numbers
	for n, want := range map[int64]string{0: "00:00:00.000", 86399999: "23:59:59.999", 86400000: "", -1: "", math.MaxInt64: ""} {
		var v Value
		if err := set(&v, n); (err != nil) != (want == "") || err == nil && string(v.Text) != want || err != nil && !errors.Is(err, ErrRange) {
			t.Errorf("%d: %s, %v", n, v.Text, err)
		}
	}
}

// TestSomeColumns reads columns in an order of its own, one of them twice, and none.
func TestSomeColumns(t *testing.T) {
	data := shape{groups: []int{5, 0, 6, 0}, codec: compress.Codecs.Zstd, pageBytes: 1 << 20}.file(t, specs())
	for _, c := range []struct {
		lo, hi  int
		columns []string
		numbers [2]int64
	}{
		{0, 4, []string{"string", "plain64", "string"}, [2]int64{1, 11}},
		{2, 3, []string{"plain64"}, [2]int64{6, 11}},
		{0, 1, []string{}, [2]int64{1, 5}},
		{1, 2, []string{"plain64"}, [2]int64{1, 0}},
		{4, 4, []string{"plain64"}, [2]int64{1, 0}},
	} {
		r, err := open(data, c.lo, c.hi, c.columns...)
		if err != nil {
			t.Fatal(err)
		}
		next := c.numbers[0]
		err = drain(r, func(row *Row, err error) {
			if err != nil || row.Number != next || len(row.Values) != len(c.columns) {
				t.Fatalf("%+v: %+v, %v", c, row, err)
			}
			for i, name := range c.columns {
				want := intValue(spread(int(next - 1)))
				if name == "string" {
					want = textValue(word(int(next - 1)))
				}
				if !same(row.Values[i], want) {
					t.Fatalf("%+v: row %d: %+v", c, next, row.Values[i])
				}
			}
			next++
		})
		if err != nil || next != c.numbers[1]+1 && next != c.numbers[0] {
			t.Errorf("%+v: next is %d, %v", c, next, err)
		}
	}
}

// TestRowAllocates reads many rows of numbers and short texts, without memory for each.
func TestRowAllocates(t *testing.T) {
	columns := []spec{}
	for _, c := range specs() {
		switch c.name {
		case "plain64", "double", "string", "date", "timestamp-us", "decimal-8", "uint64", "uuid":
			columns = append(columns, c)
		}
	}
	data := shape{rep: parquet.Repetitions.Optional, groups: []int{60000}, codec: compress.Codecs.Snappy, pageBytes: 1 << 20}.file(t, columns)
	info, err := inspect(data)
	if err != nil {
		t.Fatal(err)
	}
	r, err := open(data, 0, 1, all(info)...)
	if err != nil {
		t.Fatal(err)
	}
	var row Row
	allocs := testing.AllocsPerRun(10, func() {
		for range 5000 {
			if err := r.Read(&row); err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocs > 100 {
		t.Errorf("%v allocations for 5,000 rows", allocs)
	}
}

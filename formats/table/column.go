package table

import (
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
)

// maxValue bounds one value, in bytes, so that a batch stays far from the 2 GiB that Arrow's 32-bit offsets reach.
const maxValue = 256 << 20

var (
	errShort = errors.New("a buffer is shorter than its column")
	errMany  = errors.New("too many bytes of values at a time")
	errNulls = errors.New("it has null elements")
	errRuns  = errors.New("the ends of its runs do not rise to its length")
)

// Column is one column of records of type R. The zero Column is invalid; use the constructors.
type Column[R any] struct {
	field      arrow.Field
	dict       bool
	unmeasured bool
	buffer     func() buffer[R]
	cursor     func() cursor[R]
}

// buffer collects the values of one column, in Arrow's layout.
type buffer[R any] interface {
	// add appends the values of records and returns their size in bytes. After an error it has appended some of them.
	add(rows []R) (int, error)
	// truncate drops the values behind the first n, which are not more than there are.
	truncate(n int)
	// take returns the values as an array, valid until the next add, and empties the buffer.
	take() arrow.Array
}

// cursor reads the values of one column.
type cursor[R any] interface {
	// load checks an array so far that read stays inside its buffers, which Arrow v15 does not, and reads from it.
	load(arrow.Array) error
	// read sets the values from the given one on in records, of which there are some: after load it is the first one, and then
	// the one behind the last.
	read(from int, rows []R)
}

// Name returns the name of the column.
func (c Column[R]) Name() string { return c.field.Name }

// Plain returns the column without a Parquet dictionary: right for strings that
// are all different, such as ids and paths.
func (c Column[R]) Plain() Column[R] {
	c.dict = false
	return c
}

// Coded returns the column with a Parquet dictionary, which texts have anyway: right for numbers of which many rows
// share one. It is for integers and lists of them.
func (c Column[R]) Coded() Column[R] {
	c.dict = true
	return c
}

// NoStatistics returns the column without least and greatest values in Parquet files: right for lists of floats, such as
// vectors, that nobody looks for by value.
func (c Column[R]) NoStatistics() Column[R] {
	c.unmeasured = true
	return c
}

// Unmeasured reports whether the column has no statistics.
func (c Column[R]) Unmeasured() bool { return c.unmeasured }

// Type returns the Arrow type of the column.
func (c Column[R]) Type() arrow.DataType { return c.field.Type }

// Dictionary reports whether the column is written with a Parquet dictionary.
func (c Column[R]) Dictionary() bool { return c.dict }

// String returns a required column of UTF-8 text. Values set are safe to keep;
// one that equals the value of the record before it shares its memory.
func String[R any](name string, get func(*R) string, set func(*R, string)) Column[R] {
	return textColumn(name, get, func() cursor[R] { return &stringCursor[R]{set: set} })
}

// Text is String for fields that are []byte. A slice set is valid only during the call of set.
func Text[R any](name string, get func(*R) []byte, set func(*R, []byte)) Column[R] {
	return textColumn(name, get, func() cursor[R] { return &textCursor[R]{set: set} })
}

// NullString returns a nullable column of UTF-8 text. The bool of get and set is
// true for a value and false for null; set gets "" with a null. Values set are as those of String.
func NullString[R any](name string, get func(*R) (string, bool), set func(*R, string, bool)) Column[R] {
	return nullTextColumn(name, get, func() cursor[R] { return &nullStringCursor[R]{set: set} })
}

// NullText is NullString for fields that are []byte: set gets nil with a null,
// and slices that are valid only during the call.
func NullText[R any](name string, get func(*R) ([]byte, bool), set func(*R, []byte, bool)) Column[R] {
	return nullTextColumn(name, get, func() cursor[R] { return &nullTextCursor[R]{set: set} })
}

// Int32 returns a required column of 32-bit integers.
func Int32[R any](name string, get func(*R) int32, set func(*R, int32)) Column[R] {
	return fixedColumn(name, arrow.PrimitiveTypes.Int32, 4, get, set)
}

// Int64 returns a required column of 64-bit integers.
func Int64[R any](name string, get func(*R) int64, set func(*R, int64)) Column[R] {
	return fixedColumn(name, arrow.PrimitiveTypes.Int64, 8, get, set)
}

// Float32 returns a required column of 32-bit floats.
func Float32[R any](name string, get func(*R) float32, set func(*R, float32)) Column[R] {
	return fixedColumn(name, arrow.PrimitiveTypes.Float32, 4, get, set)
}

// Float64 returns a required column of 64-bit floats.
func Float64[R any](name string, get func(*R) float64, set func(*R, float64)) Column[R] {
	return fixedColumn(name, arrow.PrimitiveTypes.Float64, 8, get, set)
}

// Bool returns a required column of truth values.
func Bool[R any](name string, get func(*R) bool, set func(*R, bool)) Column[R] {
	return Column[R]{
		field:  arrow.Field{Name: name, Type: arrow.FixedWidthTypes.Boolean},
		buffer: func() buffer[R] { return &boolBuffer[R]{get: get} },
		cursor: func() cursor[R] { return &boolCursor[R]{set: set} },
	}
}

// Floats returns a required column of lists of 32-bit floats, such as embeddings.
// A nil list is written as an empty one. Slices set are copies, safe to keep.
func Floats[R any](name string, get func(*R) []float32, set func(*R, []float32)) Column[R] {
	return listColumn(name, arrow.PrimitiveTypes.Float32, 4, get, set)
}

// Int64s is Floats for lists of 64-bit integers.
func Int64s[R any](name string, get func(*R) []int64, set func(*R, []int64)) Column[R] {
	return listColumn(name, arrow.PrimitiveTypes.Int64, 8, get, set)
}

func as[T any](v any) (T, error) {
	typed, ok := v.(T)
	if !ok {
		return typed, fmt.Errorf("it is a %T, want %T", v, typed)
	}
	return typed, nil
}

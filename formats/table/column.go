package table

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/shardmill/shardmill/formats"
)

// maxValue bounds one value, in bytes, so that a batch stays far from the 2 GiB that Arrow's 32-bit offsets reach.
const maxValue = 256 << 20

var (
	errShort = errors.New("a buffer is shorter than its column")
	errNulls = errors.New("a list has null elements")
)

// Column is one column of records of type R. The zero Column is invalid; use the constructors.
type Column[R any] struct {
	field arrow.Field
	dict  bool
	width int                                      // bytes of a value, where all have the same
	size  func(*R) (int, error)                    // bytes of a value otherwise
	fill  func(array.Builder) (func(*R), error)    // binds a builder: the result appends a record's value
	scan  func(arrow.Array) (func(int, *R), error) // checks and binds an array: the result sets value i in a record
}

// Name returns the name of the column.
func (c Column[R]) Name() string { return c.field.Name }

// Plain returns the column without a Parquet dictionary: right for strings that
// are all different, such as ids and paths.
func (c Column[R]) Plain() Column[R] {
	c.dict = false
	return c
}

// Dictionary reports whether the column is written with a Parquet dictionary.
func (c Column[R]) Dictionary() bool { return c.dict }

// String returns a required column of UTF-8 text. Values set are copies, safe to keep.
func String[R any](name string, get func(*R) string, set func(*R, string)) Column[R] {
	c := newColumn[R, string, *array.StringBuilder, *array.String](name, arrow.BinaryTypes.String, get,
		func(r *R, v string) { set(r, strings.Clone(v)) }, checkString)
	c.dict = true
	c.size = func(r *R) (int, error) { return stringSize(get(r)) }
	return c
}

// Int32 returns a required column of 32-bit integers.
func Int32[R any](name string, get func(*R) int32, set func(*R, int32)) Column[R] {
	return fixed(newColumn[R, int32, *array.Int32Builder, *array.Int32](name, arrow.PrimitiveTypes.Int32, get, set, checkNone), 4)
}

// Int64 returns a required column of 64-bit integers.
func Int64[R any](name string, get func(*R) int64, set func(*R, int64)) Column[R] {
	return fixed(newColumn[R, int64, *array.Int64Builder, *array.Int64](name, arrow.PrimitiveTypes.Int64, get, set, checkNone), 8)
}

// Float32 returns a required column of 32-bit floats.
func Float32[R any](name string, get func(*R) float32, set func(*R, float32)) Column[R] {
	return fixed(newColumn[R, float32, *array.Float32Builder, *array.Float32](name, arrow.PrimitiveTypes.Float32, get, set, checkNone), 4)
}

// Float64 returns a required column of 64-bit floats.
func Float64[R any](name string, get func(*R) float64, set func(*R, float64)) Column[R] {
	return fixed(newColumn[R, float64, *array.Float64Builder, *array.Float64](name, arrow.PrimitiveTypes.Float64, get, set, checkNone), 8)
}

// Bool returns a required column of truth values.
func Bool[R any](name string, get func(*R) bool, set func(*R, bool)) Column[R] {
	return fixed(newColumn[R, bool, *array.BooleanBuilder, *array.Boolean](name, arrow.FixedWidthTypes.Boolean, get, set, checkBool), 1)
}

// NullString returns a nullable column of UTF-8 text. The bool of get and set is
// true for a value and false for null; set gets "" with a null.
func NullString[R any](name string, get func(*R) (string, bool), set func(*R, string, bool)) Column[R] {
	return Column[R]{
		field: arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true},
		dict:  true,
		size: func(r *R) (int, error) {
			v, ok := get(r)
			if !ok {
				return stringSize("")
			}
			return stringSize(v)
		},
		fill: func(b array.Builder) (func(*R), error) {
			texts, err := as[*array.StringBuilder](b)
			return func(r *R) {
				if v, ok := get(r); ok {
					texts.Append(v)
				} else {
					texts.AppendNull()
				}
			}, err
		},
		scan: func(a arrow.Array) (func(int, *R), error) {
			values, err := as[*array.String](a)
			if err != nil {
				return nil, err
			}
			if err := errors.Join(checkNulls(a), checkString(values)); err != nil {
				return nil, err
			}
			return func(i int, r *R) {
				if values.IsNull(i) {
					set(r, "", false)
				} else {
					set(r, strings.Clone(values.Value(i)), true)
				}
			}, nil
		},
	}
}

// Floats returns a required column of lists of 32-bit floats, such as embeddings.
// A nil list is written as an empty one. Slices set are copies, safe to keep.
func Floats[R any](name string, get func(*R) []float32, set func(*R, []float32)) Column[R] {
	return Column[R]{
		field: arrow.Field{Name: name, Type: arrow.ListOfNonNullable(arrow.PrimitiveTypes.Float32)},
		size: func(r *R) (int, error) {
			n := 4 * len(get(r))
			if n > maxValue {
				return 0, fmt.Errorf("list of %d bytes: %w", n, formats.ErrTooLong)
			}
			return n + 4, nil
		},
		fill: func(b array.Builder) (func(*R), error) { return fillFloats(b, get) },
		scan: func(a arrow.Array) (func(int, *R), error) { return scanFloats(a, set) },
	}
}

func fillFloats[R any](b array.Builder, get func(*R) []float32) (func(*R), error) {
	lists, err := as[*array.ListBuilder](b)
	if err != nil {
		return nil, err
	}
	values, err := as[*array.Float32Builder](lists.ValueBuilder())
	return func(r *R) {
		lists.Append(true)
		values.AppendValues(get(r), nil)
	}, err
}

func scanFloats[R any](a arrow.Array, set func(*R, []float32)) (func(int, *R), error) {
	list, err := as[*array.List](a)
	if err != nil {
		return nil, err
	}
	child, err := as[*array.Float32](list.ListValues())
	if err != nil {
		return nil, err
	}
	if child.NullN() > 0 {
		return nil, errNulls
	}
	if list.Len() > 0 && len(list.Offsets()) <= list.Data().Offset()+list.Len() {
		return nil, errShort
	}
	values := child.Float32Values()
	for i := range list.Len() {
		if from, to := list.ValueOffsets(i); from < 0 || to < from || to > int64(len(values)) {
			return nil, errShort
		}
	}
	return func(i int, r *R) {
		from, to := list.ValueOffsets(i)
		set(r, append([]float32{}, values[from:to]...))
	}, nil
}

type appender[T any] interface {
	array.Builder
	Append(T)
}

type valuer[T any] interface {
	arrow.Array
	Value(int) T
}

// newColumn builds a required column of values of type T, kept in arrays of type A that builders of type B make.
func newColumn[R, T any, B appender[T], A valuer[T]](name string, t arrow.DataType, get func(*R) T, set func(*R, T), check func(A) error) Column[R] {
	return Column[R]{
		field: arrow.Field{Name: name, Type: t},
		fill: func(b array.Builder) (func(*R), error) {
			typed, err := as[B](b)
			return func(r *R) { typed.Append(get(r)) }, err
		},
		scan: func(a arrow.Array) (func(int, *R), error) {
			typed, err := as[A](a)
			if err != nil {
				return nil, err
			}
			if err := check(typed); err != nil {
				return nil, err
			}
			return func(i int, r *R) { set(r, typed.Value(i)) }, nil
		},
	}
}

func fixed[R any](c Column[R], width int) Column[R] {
	c.width = width
	return c
}

func as[T any](v any) (T, error) {
	typed, ok := v.(T)
	if !ok {
		return typed, fmt.Errorf("it is a %T, want %T", v, typed)
	}
	return typed, nil
}

func stringSize(v string) (int, error) {
	if len(v) > maxValue {
		return 0, fmt.Errorf("text of %d bytes: %w", len(v), formats.ErrTooLong)
	}
	if !utf8.ValidString(v) {
		return 0, formats.ErrNotUTF8
	}
	return len(v) + 4, nil
}

// The checks make sure that reading any value of an array stays inside its
// buffers. Arrow v15 checks the last offset only.

func checkNone[A any](A) error { return nil }

func checkNulls(a arrow.Array) error {
	if bits := a.NullBitmapBytes(); len(bits) > 0 && len(bits) < (a.Data().Offset()+a.Len()+7)/8 {
		return errShort
	}
	return nil
}

func checkBool(a *array.Boolean) error {
	if buf := a.Data().Buffers()[1]; a.Len() > 0 && (buf == nil || buf.Len() < (a.Data().Offset()+a.Len()+7)/8) {
		return errShort
	}
	return nil
}

func checkString(a *array.String) error {
	if a.Len() == 0 {
		return nil
	}
	var last int32
	for _, o := range a.ValueOffsets() {
		if o < last {
			return errShort
		}
		last = o
	}
	return nil
}

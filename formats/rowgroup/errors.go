package rowgroup

import (
	"errors"
	"fmt"

	"github.com/shardmill/shardmill/formats"
)

var (
	// ErrNotParquet reports a file that is no Parquet file.
	ErrNotParquet = errors.New("not a Parquet file")
	// ErrUnsupported reports a feature of Parquet that this package does not read.
	ErrUnsupported = errors.New("unsupported in Parquet files")
	// ErrRange reports a value that its text form cannot show, such as a timestamp after the year 9999.
	ErrRange = errors.New("value out of range")
)

// damaged returns an error that wraps formats.ErrDamaged and says what is wrong.
func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", formats.ErrDamaged, fmt.Sprintf(format, args...))
}

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsupported, fmt.Sprintf(format, args...))
}

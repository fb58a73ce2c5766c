package arrowfile

import (
	"io"
	"testing"

	"github.com/shardmill/shardmill/formats/internal/formattest"
	"github.com/shardmill/shardmill/formats/table"
)

func suite() formattest.Format {
	return formattest.Format{
		Create: func(w io.Writer, cols table.Columns[formattest.Row]) (formattest.Writer, error) {
			return Create(w, cols)
		},
		Open: func(path string, cols table.Columns[formattest.Row]) (formattest.Reader, error) {
			return Open(path, cols)
		},
		Rows:  Rows,
		Batch: 9000,
		Flips: true,
	}
}

func TestConformance(t *testing.T) { formattest.Run(t, suite()) }

package mapreduce_test

import (
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// What Cut finds wrong with the input is told as it is; any other error says where it is from.
func TestCutRefuses(t *testing.T) {
	for refuses, want := range map[string]struct {
		code int
		text string
	}{
		"input": {mapreduce.ExitInput, "a.txt: no such column"},
		"bug":   {mapreduce.ExitFailed, "01-sum: what was scanned: a.txt: no such column"},
	} {
		cfg := in(t, mrtest.Inputs(t, numbersOf(30)))
		cfg.Params = params(t, numbersParams{InPlace: true, Bytes: 100, Refuses: refuses})
		s, err := mapreduce.Run(t.Context(), options(), numbersJob(), cfg)
		mrtest.Code(t, s, err, want.code)
		if err.Error() != want.text {
			t.Errorf("%s: error %q, expected %q", refuses, err, want.text)
		}
	}
}

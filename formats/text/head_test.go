package text_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/text"
)

func TestHasLine(t *testing.T) {
	for in, want := range map[string]bool{
		"": false, "\n": false, "\r\n\n\r\n": false, "\xef\xbb\xbf\n": false,
		"x": true, "\n\nx\n": true, "\xff": true, " ": true, strings.Repeat("\n", 1001): true, strings.Repeat("\n", 999): false,
	} {
		if got, err := text.HasLine(strings.NewReader(in), "a"); got != want || err != nil {
			t.Errorf("%.20q: %v, %v", in, got, err)
		}
	}
	if _, err := text.HasLine(strings.NewReader("\xff\xfex\x00"), "a"); !errors.Is(err, formats.ErrUTF16) {
		t.Errorf("UTF-16: %v", err)
	}
	if _, err := text.HasLine(iotest.ErrReader(io.ErrClosedPipe), "a"); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a broken pipe: %v", err)
	}
}

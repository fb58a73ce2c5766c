package manifest

import (
	"encoding/csv"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestQuotes(t *testing.T) {
	for _, c := range []struct {
		text  string
		state quoteState
		opens int
	}{
		{"", start, 0},
		{"a", plain, 0},
		{"a,", start, 0},
		{"a,b", plain, 0},
		{`"`, quoted, 1},
		{`"a,b`, quoted, 1},
		{`"a"`, after, 1},
		{`"a""`, quoted, 1},
		{`"a"""`, after, 1},
		{`"a",`, start, 1},
		{`"a","`, quoted, 2},
		{`"a"b`, broken, 1},
		{`"a"b,"`, broken, 1},
		{`a"`, broken, 0},
		{`a",b,`, broken, 0},
	} {
		var q quotes
		q.scan([]byte(c.text))
		if q.state != c.state || q.opens != c.opens {
			t.Errorf("%s: state %d after %d quotes, want %d after %d", c.text, q.state, q.opens, c.state, c.opens)
		}
	}
}

// TestQuotesInPieces checks that it does not matter where a line is cut.
func TestQuotesInPieces(t *testing.T) {
	text := rapid.StringOf(rapid.SampledFrom([]rune(`ab,,"""`)))
	rapid.Check(t, func(t *rapid.T) {
		s := text.Draw(t, "text")
		cut := rapid.IntRange(0, len(s)).Draw(t, "cut")
		var whole, pieces, bytewise quotes
		whole.scan([]byte(s))
		pieces.scan([]byte(s[:cut]))
		pieces.scan([]byte(s[cut:]))
		for i := range len(s) {
			bytewise.step(s[i])
		}
		if whole != pieces || whole != bytewise {
			t.Fatalf("whole %+v, cut %+v, by bytes %+v", whole, pieces, bytewise)
		}
	})
}

// TestQuotesAgree checks a single line against encoding/csv: open and broken are just its errors.
func TestQuotesAgree(t *testing.T) {
	text := rapid.StringOfN(rapid.SampledFrom([]rune(`ab,,"""`)), 1, -1, -1)
	rapid.Check(t, func(t *rapid.T) {
		s := text.Draw(t, "text")
		var q quotes
		q.scan([]byte(s))
		_, err := csv.NewReader(strings.NewReader(s)).Read()
		if bad := errors.Is(err, csv.ErrQuote) || errors.Is(err, csv.ErrBareQuote); bad != (q.state == quoted || q.state == broken) {
			t.Fatalf("state %d, encoding/csv says %v", q.state, err)
		}
	})
}

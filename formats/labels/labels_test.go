package labels

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/formats"
	"github.com/shardmill/shardmill/formats/internal/formattest"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Labels
	}{
		{"tench\ngoldfish\n", Labels{"tench", "goldfish"}},
		{"tench\ngoldfish", Labels{"tench", "goldfish"}},
		{"tench\r\ngoldfish\r\n", Labels{"tench", "goldfish"}},
		{"tench\n\n", Labels{"tench"}},
		{"tench\n \t\n", Labels{"tench"}},
		{"crane\ncrane\n", Labels{"crane", "crane"}},
		{" n01440764 tench, Tinca tinca \n", Labels{" n01440764 tench, Tinca tinca "}},
		{"\ufeffchat\nété\n", Labels{"chat", "été"}},
	} {
		got, err := parse(strings.NewReader(c.in), "x")
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, %v", c.in, got, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		in   string
		line int64
		err  error
	}{
		{"", 1, ErrEmpty},
		{"\n", 1, ErrBlank},
		{"\n\n", 1, ErrBlank},
		{"a\n\nb\n", 2, ErrBlank},
		{"a\n  \nb", 2, ErrBlank},
		{"a\n\n\n", 2, ErrBlank},
		{"a\nb\xff\n", 2, formats.ErrNotUTF8},
		{"a\n\x00\n", 2, formats.ErrNUL},
		{"a\n" + strings.Repeat("x", maxLabel+1) + "\n", 2, formats.ErrTooLong},
	} {
		got, err := parse(strings.NewReader(c.in), "x.txt")
		var row *formats.RowError
		if !errors.As(err, &row) || row.File != "x.txt" || row.Line != c.line || !errors.Is(err, c.err) {
			t.Errorf("%.20q: %v", c.in, err)
		}
		if len(got) != 0 {
			t.Errorf("%.20q: labels %q with an error", c.in, got)
		}
	}
	if _, err := parse(strings.NewReader("\xff\xfea\x00"), "x"); !errors.Is(err, formats.ErrUTF16) {
		t.Errorf("UTF-16: %v", err)
	}
}

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "labels.txt")
	if _, err := Read(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	if err := os.WriteFile(path, []byte("a\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil || !slices.Equal(got, Labels{"a", "b"}) {
		t.Errorf("%q, %v", got, err)
	}
}

// TestRealFiles reads the label files of published models.
func TestRealFiles(t *testing.T) {
	files := map[string]int{
		"models/squeezenet1.1-fp32/labels.txt": 1000,
		"models/mnist-cntk/labels.txt":         10,
		"reference/synset.txt":                 1000,
	}
	for name, want := range files {
		path := formattest.SharedData(t, filepath.FromSlash(name))
		if got, err := Read(path); err != nil || len(got) != want {
			t.Errorf("%s: %d labels, %v", name, len(got), err)
		}
	}
}

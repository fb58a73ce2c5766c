package jobdir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

type sealed struct {
	Version int             `json:"version"`
	Text    string          `json:"text,omitempty"`
	Numbers []int           `json:"numbers,omitempty"`
	Raw     json.RawMessage `json:"raw,omitempty"`
}

func TestSealedBytes(t *testing.T) {
	for want, v := range map[string]any{
		"{\n \"version\": 1,\n \"crc32c\": \"280ceff8\"\n}\n":                                                       sealed{Version: 1},
		"{\n \"version\": 1,\n \"text\": \"<é>\",\n \"numbers\": [\n  1,\n  2\n ],\n \"crc32c\": \"11c65000\"\n}\n": sealed{Version: 1, Text: "<é>", Numbers: []int{1, 2}},
	} {
		got, err := seal(v)
		if err != nil || string(got) != want {
			t.Errorf("%v\n got %q\nwant %q", err, got, want)
		}
		if !json.Valid(got) {
			t.Errorf("not JSON: %q", got)
		}
	}
}

func TestSealNeedsAVersionFirst(t *testing.T) {
	for _, v := range []any{
		struct{}{},
		1, "x", nil,
		[]int{1},
		map[string]int{"a": 1, "version": 1},
		struct {
			A       int `json:"a"`
			Version int `json:"version"`
		}{},
		func() {},
	} {
		if b, err := seal(v); err == nil {
			t.Errorf("%T: sealed as %q", v, b)
		}
	}
}

func TestUnsealRefuses(t *testing.T) {
	// reseal gives a body a correct checksum.
	reseal := func(body string) string {
		return body + fmt.Sprintf(sealTail, crc32.Checksum([]byte(body), castagnoli()))
	}
	good, err := seal(sealed{Version: 1, Text: "abc"})
	if err != nil {
		t.Fatal(err)
	}
	text := string(good)
	for _, c := range []struct{ name, b, want string }{
		{"empty", "", "f: damaged: it does not begin with a version"},
		{"zeros", strings.Repeat("\x00", 100), "f: damaged: it does not begin with a version"},
		{"no version", reseal("{\n \"text\": \"abc\""), "f: damaged: it does not begin with a version"},
		{"version cut", "{\n \"version\": 1", "f: damaged: it does not begin with a version"},
		{"version not a number", "{\n \"version\": x,", "f: damaged: its version is not a number"},
		{"only the head", "{\n \"version\": 1,", "f: damaged: its checksum does not match"},
		{"other version, good", reseal("{\n \"version\": 2"), "f: version 2; this build reads version 1"},
		{"other version, damaged", "{\n \"version\": 2,", "f: version 2; this build reads version 1"},
		{"cut", text[:len(text)-1], "f: damaged: its checksum does not match"},
		{"longer", text + "\n", "f: damaged: its checksum does not match"},
		{"twice", text + text, "f: damaged: its checksum does not match"},
		{"changed", strings.Replace(text, "abc", "abd", 1), "f: damaged: its checksum does not match"},
		{"upper case", strings.ToUpper(text[len(text)-12:]), "f: damaged: it does not begin with a version"},
		{"good checksum, bad JSON", reseal("{\n \"version\": 1,\n]"), "f: damaged: invalid character ']'"},
		{"good checksum, other type", reseal("{\n \"version\": 1,\n \"text\": 5"), "f: damaged: json: cannot unmarshal"},
	} {
		var v sealed
		err := unseal("f", []byte(c.b), 1, &v)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	var v sealed
	later := reseal("{\n \"version\": 1,\n \"later\": [true],\n \"text\": \"abc\"")
	if err := unseal("f", []byte(later), 1, &v); err != nil || v.Text != "abc" {
		t.Errorf("an unknown member: %v", err)
	}
}

func TestSealRoundTripAndDamage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := sealed{
			Version: rapid.IntRange(0, 5).Draw(t, "version"),
			Text:    rapid.String().Draw(t, "text"),
			Numbers: rapid.SliceOfN(rapid.Int(), 1, 5).Draw(t, "numbers"),
		}
		b, err := seal(in)
		if err != nil {
			t.Fatal(err)
		}
		var out sealed
		if err := unseal("f", b, in.Version, &out); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(in, out); d != "" {
			t.Fatal(d)
		}
		bad := bytes.Clone(b)
		bad[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		if err := unseal("f", bad, in.Version, &out); err == nil {
			t.Fatalf("damage went unseen:\n%q\n%q", b, bad)
		}
		if err := unseal("f", b[:rapid.IntRange(0, len(b)-1).Draw(t, "cut")], in.Version, &out); err == nil {
			t.Fatal("a torn file went unseen")
		}
	})
}

// FuzzUnseal takes any bytes. What it accepts is JSON with our frame; everything else is one of two errors.
func FuzzUnseal(f *testing.F) {
	good, err := seal(sealed{Version: 1, Text: "abc", Raw: json.RawMessage(`{"a":[1.50]}`)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("{\n \"version\": 1,\n"))
	f.Add([]byte("{\n \"version\": 99999999999999999999,\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v sealed
		err := unseal("f", b, 1, &v)
		var damaged *DamagedError
		var format *FormatError
		switch {
		case err == nil && !json.Valid(b):
			t.Fatal("accepted what is not JSON")
		case err == nil && v.Version != 1:
			t.Fatalf("version %d", v.Version)
		case err != nil && !errors.As(err, &damaged) && !errors.As(err, &format):
			t.Fatalf("untyped error %v", err)
		}
	})
}

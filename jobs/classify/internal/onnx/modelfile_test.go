package onnx

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
)

// entry is a StringStringEntryProto.
func entry(num protowire.Number, key, value string) []byte {
	return field(num, join(word(1, key), word(2, value)))
}

// rich is a model file with all that ReadFile reads, and so many bytes of weights.
func rich(weights int) []byte {
	tensor := func(location string) []byte {
		return field(5, join(word(8, "w"), entry(13, "location", location), entry(13, "offset", "0"), number(14, 1)))
	}
	branch := join(tensor("branch.bin"), field(11, port{"inner", 1, []int64{1}}.bytes()))
	graph := join(
		word(2, "test"),
		field(1, join(word(4, "If"), field(5, join(word(1, "then_branch"), field(6, branch))))),
		field(1, join(word(4, "Constant"), field(5, join(word(1, "value"), tensor("constant.bin"))))),
		field(1, op{kind: "Flatten", in: []string{"image"}, out: []string{"scores"}}.bytes()),
		tensor("weights.bin"), tensor("more.bin"), tensor("weights.bin"),
		field(5, join(word(8, "inside"), field(9, bytes.Repeat([]byte{7}, weights)))),
		field(11, port{"image", 1, []int64{-1, 3, 4, -1}}.bytes()),
		field(12, port{"scores", 1, []int64{-1, 10}}.bytes()),
	)
	return join(
		number(1, 8), word(2, "maker"), word(3, "1.2"), word(4, "org.example"), number(5, 3), word(6, "what it is for"),
		field(8, join(word(1, ""), number(2, 17))), field(8, join(word(1, "com.microsoft"), number(2, 1))),
		field(7, graph), entry(14, "names", "cat, dog"), entry(14, "stride", "32"),
	)
}

func TestParseFile(t *testing.T) {
	content := rich(10000)
	got, err := parseFile(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	want := File{
		IRVersion: 8, Producer: "maker", ProducerVersion: "1.2", Domain: "org.example", Version: 3, Description: "what it is for",
		Opsets: []Opset{{"ai.onnx", 17}, {"com.microsoft", 1}}, Custom: map[string]string{"names": "cat, dog", "stride": "32"},
		External: []string{"branch.bin", "constant.bin", "weights.bin", "more.bin"},
		Axes:     map[string][]string{"image": {"N", "", "", "Q"}, "scores": {"N", ""}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A file that is cut at any byte is an error or a shorter message, never a panic.
func TestParseFileCut(t *testing.T) {
	content := rich(10000)
	failed := 0
	for n := range content {
		if _, err := parseFile(bytes.NewReader(content[:n]), int64(n)); err != nil {
			failed++
		}
	}
	if failed < len(content)*9/10 {
		t.Errorf("only %d of %d cuts were seen", failed, len(content))
	}
}

// Graphs in graphs are read to some depth only, since each level takes a part of the stack.
func TestParseFileDeep(t *testing.T) {
	graph := join(word(2, "innermost"))
	for range 2 * maxGraphs {
		graph = field(1, field(5, field(6, graph)))
	}
	content := field(7, graph)
	_, err := parseFile(bytes.NewReader(content), int64(len(content)))
	if err == nil || !strings.Contains(err.Error(), "graphs in each other") {
		t.Errorf("error %v", err)
	}
}

// A file that shrinks while it is read is an error.
func TestParseFileShrunk(t *testing.T) {
	content := rich(10000)
	if _, err := parseFile(bytes.NewReader(content[:50]), int64(len(content))); err == nil {
		t.Error("no error")
	}
}

func TestReadFileErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "text.onnx")
	if err := os.WriteFile(path, []byte("hello, this is no model"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ path, want string }{
		{path, "not an ONNX file"}, {t.TempDir(), "a folder"}, {path + ".none", "no such file"},
	} {
		if _, err := ReadFile(tt.path); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.path, err, tt.want)
		}
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add(rich(3)) // large ones take the fuzzer long to make smaller
	f.Add([]byte{0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Add([]byte{0x0b})
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := parseFile(bytes.NewReader(content), int64(len(content)))
		if err == nil && len(m.Producer) > len(content) {
			t.Errorf("a producer of %d bytes in %d", len(m.Producer), len(content))
		}
	})
}

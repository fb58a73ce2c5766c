package classify_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/shardmill/shardmill/mapreduce"
)

// eachField passes on the fields of a message: whole, and those of varying length with their content.
func eachField(t testing.TB, message []byte, do func(num protowire.Number, whole, content []byte)) {
	t.Helper()
	for len(message) > 0 {
		num, _, n := protowire.ConsumeField(message)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		_, _, head := protowire.ConsumeTag(message)
		content, m := protowire.ConsumeBytes(message[head:n])
		if m < 0 {
			content = nil
		}
		do(num, message[:n], content)
		message = message[n:]
	}
}

func appendField(to []byte, num protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(to, num, protowire.BytesType), content)
}

// withWeightsOutside is a model whose weights lie in a file of a name beside it, and the content of that file.
func withWeightsOutside(t testing.TB, model []byte, name string) (outside, weights []byte) {
	t.Helper()
	property := func(key, value string) []byte {
		return appendField(appendField(nil, 1, []byte(key)), 2, []byte(value))
	}
	tensor := func(content []byte) (moved []byte) {
		eachField(t, content, func(num protowire.Number, whole, raw []byte) {
			if num != 9 { // raw_data
				moved = append(moved, whole...)
				return
			}
			for _, p := range [][]byte{
				property("location", name), property("offset", fmt.Sprint(len(weights))), property("length", fmt.Sprint(len(raw))),
			} {
				moved = appendField(moved, 13, p)
			}
			moved = protowire.AppendVarint(protowire.AppendTag(moved, 14, protowire.VarintType), 1) // EXTERNAL
			weights = append(weights, raw...)
		})
		return moved
	}
	eachField(t, model, func(num protowire.Number, whole, content []byte) {
		if num != 7 { // the graph
			outside = append(outside, whole...)
			return
		}
		var graph []byte
		eachField(t, content, func(num protowire.Number, whole, content []byte) {
			if num == 5 { // an initializer
				whole = appendField(nil, 5, tensor(content))
			}
			graph = append(graph, whole...)
		})
		outside = appendField(outside, 7, graph)
	})
	return outside, weights
}

// TestWeightsOutside: a model with its weights in a file beside it gives what it gives with all in one file, and the job is
// another one when only that file is.
func TestWeightsOutside(t *testing.T) {
	needRuntime(t)
	whole, err := os.ReadFile(demo(t, "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	model, weights := withWeightsOutside(t, whole, "weights.bin")
	if len(weights) == 0 || bytes.Contains(model, weights[:64]) {
		t.Fatal("the weights did not move")
	}
	folder := t.TempDir()
	write := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("model.onnx", model)
	p := demoParams(t)
	inside := config(t, filepath.Join(t.TempDir(), "inside"), p, demo(t, "manifest.csv"))
	mustRun(t, inside, mapreduce.ExitRejects) // one line of the manifest names no picture
	p.Model = filepath.Join(folder, "model.onnx")
	cfg := config(t, filepath.Join(t.TempDir(), "outside"), p, demo(t, "manifest.csv"))

	if _, err := run(t, cfg); mapreduce.ClassOf(err) != mapreduce.Input || !strings.Contains(err.Error(), "weights.bin") {
		t.Fatalf("without its weights: %v", err)
	}
	write("weights.bin", weights)
	mustRun(t, cfg, mapreduce.ExitRejects) // one line of the manifest names no picture
	scores := func(dir string) (list []float32) {
		for _, r := range readDataset(t, dir, "predictions", predictionColumns()) {
			list = append(list, r.Score)
		}
		return list
	}
	if a, b := scores(inside.Dir), scores(cfg.Dir); len(a) == 0 || !slices.Equal(a, b) {
		t.Errorf("%d scores with the weights inside, and other %d with them outside", len(a), len(b))
	}

	weights[0] ^= 1
	write("weights.bin", weights)
	_, err = run(t, cfg)
	if other := (*mapreduce.IdentityError)(nil); !errors.As(err, &other) || len(other.Differences) != 1 ||
		!strings.Contains(other.Differences[0], "content of the weights weights.bin") {
		t.Errorf("with other weights: %v", err)
	}
}

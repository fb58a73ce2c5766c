package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
)

func TestModelInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := askModelChild(ctx, "model m.onnx", modelRequest{Inspect: "m.onnx"}, nil)
	var e *exitError
	if !errors.As(err, &e) || e.code != mapreduce.ExitInterrupted {
		t.Errorf("error %v", err)
	}
}

func TestCauseOfDeath(t *testing.T) {
	failure := errors.New("exit status 2")
	for _, tt := range []struct{ printed, want string }{
		{"", "exit status 2"},
		{"some warning\nSIGSEGV: segmentation violation\nPC=0x0\n", "SIGSEGV: segmentation violation"},
		{"fatal error: unexpected signal during runtime execution\n[signal SIGSEGV: segmentation violation code=0x1]\n", "[signal SIGSEGV: segmentation violation code=0x1]"},
		{"panic: no\n\ngoroutine 1\n", "panic: no"},
		{"fatal error: out of memory\n", "fatal error: out of memory"},
	} {
		var b tail
		if n, err := b.Write([]byte(tt.printed)); n != len(tt.printed) || err != nil {
			t.Fatal(n, err)
		}
		if got := b.cause(failure); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.printed, got, tt.want)
		}
	}
}

func TestTailIsBounded(t *testing.T) {
	var b tail
	block := bytes.Repeat([]byte("x"), tailBytes-10)
	for range 3 {
		if n, err := b.Write(block); n != len(block) || err != nil {
			t.Fatal(n, err)
		}
	}
	if b.Len() != tailBytes {
		t.Errorf("%d bytes", b.Len())
	}
}

func TestModelInfoForPeople(t *testing.T) {
	var b strings.Builder
	err := writeModelInfo(&b, classify.ModelInfo{
		Path: "m.onnx", Bytes: 2048, SHA256: "ab", Producer: "maker", ProducerVersion: "1", Version: 3, Custom: map[string]string{"b": "2", "a": "1\x1b[2J"},
		Description: strings.Repeat("long ", 100), FixedBatch: 4, NoSpec: "the model has 2 inputs: images have one",
		External: []classify.ExternalFile{{Location: "w.bin", Bytes: 1 << 20}, {Location: "gone.bin", Bytes: -1}},
		Inputs:   []classify.ModelTensor{{Name: "in", Type: "float32", Shape: []int64{-1, 3, -1, 8}, Axes: []string{"batch", "", "", ""}}},
		Outputs:  []classify.ModelTensor{{Name: "out", Type: "int64", Shape: []int64{-1}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\nproducer      maker 1\n", "\nversion       3\n", "\nmetadata      a: 1\\x1b[2J\nmetadata      b: 2\n", " ...\n",
		"\ninput         in float32 [batch,3,?,8]\n", "\noutput        out int64 [?]\n", "\nbatch         fixed at 4: ",
		"\nweights in    w.bin, 1.0 MiB\n", "\nweights in    gone.bin, not there\n",
		"\nNo preprocessing spec is proposed: the model has 2 inputs: images have one\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
}

func TestVerdictForPeople(t *testing.T) {
	v := classify.ModelVerdict{
		Model: "m.onnx", Tolerance: 0.001,
		Golden: []classify.GoldenDifference{
			{Output: "out", Golden: "a.pb", Elements: 10, OK: true},
			{Output: "out", Golden: "b.pb", Elements: 10, Absolute: 0.5, Relative: 0.25, Outside: 3},
		},
		Slots: &classify.SlotVerdict{Batch: 8, Compared: 212, Different: 4, Largest: 1e-7, FirstSlot: 2, FirstFill: 3},
	}
	var b strings.Builder
	if err := writeVerdict(&b, v); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"a.pb  out: largest difference 0, relative 0: ok\n",
		"b.pb  out: largest difference 0.5, relative 0.25: NOT OK, 3 of 10 beyond the tolerance\n",
		"slots of a batch of 8: NOT equal in every bit: 4 of 212 rows differ from the same image alone, by at most 1e-07,\nthe first in slot 2 of 3 filled.",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
	err := verdictError(v)
	if mapreduce.ExitCode(mapreduce.Summary{}, err) != mapreduce.ExitInput || !strings.Contains(err.Error(), "1 golden output beyond the tolerance") {
		t.Errorf("error %v", err)
	}
	v.OK = true
	if err := verdictError(v); err != nil {
		t.Error(err)
	}
}

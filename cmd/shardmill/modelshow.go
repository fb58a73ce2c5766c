package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
)

// writeModelInfo describes a model for people.
func writeModelInfo(w io.Writer, m classify.ModelInfo) error {
	lines := []pair{{"model", m.Path}, {"size", sized(m.Bytes)}, {"sha256", m.SHA256}}
	lines = append(lines, identityLines(m)...)
	if m.NoMetadata != "" {
		lines = append(lines, pair{"metadata", "unknown: " + m.NoMetadata})
	}
	for _, t := range m.Inputs {
		lines = append(lines, pair{"input", tensorText(t)})
	}
	for _, t := range m.Outputs {
		lines = append(lines, pair{"output", tensorText(t)})
	}
	if m.FixedBatch > 0 {
		lines = append(lines, pair{"batch", fmt.Sprintf("fixed at %d: a larger --batch is run in pieces of it", m.FixedBatch)})
	}
	for _, f := range m.External {
		text := f.Location + ", not there"
		if f.Bytes >= 0 {
			text = f.Location + ", " + sized(f.Bytes)
		}
		lines = append(lines, pair{"weights in", text})
	}
	if err := writeLines(w, lines); err != nil {
		return err
	}
	text := "No preprocessing spec is proposed: " + oneLine(m.NoSpec)
	if m.Spec != "" {
		text = "A preprocessing spec to begin with, as --spec prints it:\n\n" + strings.TrimSpace(m.Spec)
	}
	_, err := fmt.Fprintf(w, "\n%s\n", text)
	return err
}

// longText is where a text of the model's metadata is cut, for people.
const longText = 120

func identityLines(m classify.ModelInfo) []pair {
	var lines []pair
	add := func(name, text string) {
		if r := []rune(text); len(r) > longText {
			text = string(r[:longText]) + " ..."
		}
		if text != "" {
			lines = append(lines, pair{name, text})
		}
	}
	add("producer", strings.TrimSpace(m.Producer+" "+m.ProducerVersion))
	add("domain", m.Domain)
	if m.Version != 0 {
		add("version", strconv.FormatInt(m.Version, 10))
	}
	add("description", m.Description)
	opsets := make([]string, len(m.Opsets))
	for i, o := range m.Opsets {
		opsets[i] = fmt.Sprintf("%s %d", o.Domain, o.Version)
	}
	add("opset", strings.Join(opsets, ", "))
	for _, key := range slices.Sorted(maps.Keys(m.Custom)) {
		add("metadata", key+": "+m.Custom[key])
	}
	return lines
}

// tensorText gives "data_0 float32 [batch,3,224,224]"; a dynamic dimension without a name is ?.
func tensorText(t classify.ModelTensor) string {
	dims := make([]string, len(t.Shape))
	for i, d := range t.Shape {
		dims[i] = strconv.FormatInt(d, 10)
		if d >= 0 {
			continue
		}
		dims[i] = "?"
		if i < len(t.Axes) && t.Axes[i] != "" {
			dims[i] = t.Axes[i]
		}
	}
	return fmt.Sprintf("%s %s [%s]", t.Name, t.Type, strings.Join(dims, ","))
}

func noSpec(m classify.ModelInfo) error {
	return mapreduce.BadInput(fmt.Errorf("model %s: no preprocessing spec is proposed: %s", m.Path, m.NoSpec))
}

// writeVerdict says what a check found.
func writeVerdict(w io.Writer, v classify.ModelVerdict) error {
	var b strings.Builder
	for _, g := range v.Golden {
		verdict := "ok"
		if !g.OK {
			verdict = fmt.Sprintf("NOT OK, %d of %d beyond the tolerance", g.Outside, g.Elements)
		}
		fmt.Fprintf(&b, "%s  %s: largest difference %s, relative %s: %s\n",
			oneLine(g.Golden), oneLine(g.Output), figure(g.Absolute), figure(g.Relative), verdict)
	}
	if len(v.Golden) > 0 {
		fmt.Fprintf(&b, "tolerance: %v, times the golden number where that is above 1\n", v.Tolerance)
	}
	b.WriteString(slotText(v))
	_, err := io.WriteString(w, b.String())
	return err
}

func slotText(v classify.ModelVerdict) string {
	s := v.Slots
	if s == nil {
		return "slots of a batch: not compared: " + oneLine(v.NoSlots) + "\n"
	}
	text := fmt.Sprintf("slots of a batch of %d: ", s.Batch)
	if s.FixedBatch > 0 {
		text = fmt.Sprintf("slots of a batch of %d, which the model runs in pieces of its fixed batch of %d: ", s.Batch, s.FixedBatch)
	}
	if s.Equal {
		return text + fmt.Sprintf("equal in every bit, in each slot and fill that was tried (%d rows in %d runs)\n", s.Compared, s.Runs)
	}
	return text + fmt.Sprintf("NOT equal in every bit: %d of %d rows differ from the same image alone, by at most %s,\nthe first in slot %d of %d filled. "+
		"Jobs give the same bytes each time all the same: their batches are always the same.\n",
		s.Different, s.Compared, figure(s.Largest), s.FirstSlot, s.FirstFill)
}

// verdictError makes golden outputs that differ a matter of the input: the model is not the one that they were made with.
func verdictError(v classify.ModelVerdict) error {
	if v.OK {
		return nil
	}
	n := 0
	for _, g := range v.Golden {
		if !g.OK {
			n++
		}
	}
	return mapreduce.BadInput(errors.New(v.Model + ": " + counted(int64(n), "golden output") + " beyond the tolerance"))
}

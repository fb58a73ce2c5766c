package classify

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/shardmill/shardmill/jobs/classify/internal/onnx"
	"github.com/shardmill/shardmill/jobs/classify/internal/pixel"
	"github.com/shardmill/shardmill/mapreduce"
)

// prediction is what the mapper makes of one image. It travels through both streams; the id is in their keys.
type prediction struct {
	path    string
	shard   string
	status  pixel.Status
	label   text
	carried []text
	top     []onnx.Scored // label ids, best first
	model   int           // which one, in the order given
	later   bool          // a model before gave a prediction of the same image
}

// predictionCodec writes: of several models, uvarint of the model times two, plus one if later; uvarint length and bytes of path and shard, status byte, number of scores with
// uvarint id and 4-byte score each, then label and carried values, each a length plus one, or 0 for none.
type predictionCodec struct{ several bool }

// Append implements mapreduce.Codec.
func (c predictionCodec) Append(b []byte, p prediction) []byte {
	if c.several {
		v := uint64(p.model) << 1
		if p.later {
			v |= 1
		}
		b = binary.AppendUvarint(b, v)
	}
	b = appendString(b, p.path)
	b = appendString(b, p.shard)
	b = append(b, byte(p.status))
	b = binary.AppendUvarint(b, uint64(len(p.top)))
	for _, s := range p.top {
		b = binary.AppendUvarint(b, uint64(s.ID))
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(s.Score))
	}
	b = appendText(b, p.label)
	b = binary.AppendUvarint(b, uint64(len(p.carried)))
	for _, c := range p.carried {
		b = appendText(b, c)
	}
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendText(b []byte, t text) []byte {
	if !t.ok {
		return append(b, 0)
	}
	return append(binary.AppendUvarint(b, uint64(len(t.value))+1), t.value...)
}

// Decode implements mapreduce.Codec.
func (c predictionCodec) Decode(b []byte) (prediction, error) {
	d := decoder{b: b}
	var p prediction
	if c.several {
		v := d.uvarint()
		p.model, p.later = int(v>>1), v&1 == 1
	}
	p.path, p.shard, p.status = d.string(), d.string(), pixel.Status(d.byte())
	p.top = make([]onnx.Scored, d.count())
	for i := range p.top {
		p.top[i].ID = int(d.uvarint())
		p.top[i].Score = d.float()
	}
	p.label = d.text()
	p.carried = make([]text, d.count())
	for i := range p.carried {
		p.carried[i] = d.text()
	}
	if len(d.b) > 0 {
		d.fail()
	}
	return p, d.err
}

var errPrediction = errors.New("a prediction cannot be decoded")

// decoder takes values off the front of bytes; after an error it gives zeros.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail() {
	d.err, d.b = errPrediction, nil
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

// count is a number of values, each of which takes at least one byte.
func (d *decoder) count() int {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail()
		return nil
	}
	v := d.b[:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) string() string { return string(d.take(d.uvarint())) }

func (d *decoder) byte() byte {
	if v := d.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (d *decoder) float() float32 {
	if v := d.take(4); v != nil {
		return math.Float32frombits(binary.LittleEndian.Uint32(v))
	}
	return 0
}

func (d *decoder) text() text {
	n := d.uvarint()
	if n == 0 {
		return text{}
	}
	return text{string(d.take(n - 1)), true}
}

// rankKey orders images by model, label, then score downwards, then id. Its group is the model and label.
type rankKey struct {
	model uint32 // 0 where there is one only, and then not encoded
	label uint32
	score float32
	id    string
}

type rankCodec struct{ several bool }

// group is the length of the part of an encoded rankKey that makes a group.
func (c rankCodec) group() int {
	if c.several {
		return 8
	}
	return 4
}

// Append implements mapreduce.Codec.
func (c rankCodec) Append(b []byte, k rankKey) []byte {
	if c.several {
		b = binary.BigEndian.AppendUint32(b, k.model)
	}
	b = binary.BigEndian.AppendUint32(b, k.label)
	b = binary.BigEndian.AppendUint32(b, ^sortable(k.score))
	return append(b, k.id...)
}

// Decode implements mapreduce.Codec.
func (c rankCodec) Decode(b []byte) (rankKey, error) {
	if len(b) < c.group()+4 {
		return rankKey{}, mapreduce.ErrShort
	}
	var k rankKey
	if c.several {
		k.model, b = binary.BigEndian.Uint32(b), b[4:]
	}
	k.label, k.score, k.id = binary.BigEndian.Uint32(b), unsortable(^binary.BigEndian.Uint32(b[4:])), string(b[8:])
	return k, nil
}

// sortable maps a float to an integer of the same order.
func sortable(f float32) uint32 {
	u := math.Float32bits(f)
	if u>>31 == 1 {
		return ^u
	}
	return u | 1<<31
}

func unsortable(u uint32) float32 {
	if u>>31 == 1 {
		return math.Float32frombits(u &^ (1 << 31))
	}
	return math.Float32frombits(^u)
}

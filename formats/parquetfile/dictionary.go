package parquetfile

import (
	"encoding/binary"
	"hash/maphash"
)

// dictionary numbers the different values of a column by their first occurrence.
type dictionary struct {
	seed    maphash.Seed
	slots   []slot // a hash table with open addressing, a power of two long, at most half full
	entries []entry
	values  []byte // PLAIN: for each value its length, 4 bytes little-endian, and its bytes
	pages   int32  // up to the open one, from 1
	codes
}

// slot is free where its number is 0, and holds value number-1 otherwise.
type slot struct {
	hash   uint32
	number int32
}

type entry struct {
	at   int32 // where the value begins in values; the limit of a dictionary is far below 2 GiB
	page int32 // the last page that it is in
}

func newDictionary() *dictionary {
	return &dictionary{seed: maphash.MakeSeed(), slots: make([]slot, 1024), pages: 1}
}

// add appends a value to the open page, and reports whether it is the first such there.
func (d *dictionary) add(v []byte) bool {
	i := d.number(v)
	d.page = append(d.page, i)
	e := &d.entries[i]
	first := e.page != d.pages
	e.page = d.pages
	return first
}

// number returns the number of a value, which it adds if it is new.
func (d *dictionary) number(v []byte) int32 {
	hash := uint32(maphash.Bytes(d.seed, v))
	at := d.place(hash)
	for ; d.slots[at].number != 0; at = (at + 1) & (len(d.slots) - 1) {
		if s := d.slots[at]; s.hash == hash && string(d.value(s.number-1)) == string(v) {
			return s.number - 1
		}
	}
	i := int32(len(d.entries))
	d.slots[at] = slot{hash: hash, number: i + 1}
	d.values = binary.LittleEndian.AppendUint32(d.values, uint32(len(v)))
	d.entries = append(d.entries, entry{at: int32(len(d.values))})
	d.values = append(d.values, v...)
	if 2*len(d.entries) > len(d.slots) {
		d.grow()
	}
	d.n = len(d.entries)
	return i
}

func (d *dictionary) place(hash uint32) int { return int(hash) & (len(d.slots) - 1) }

func (d *dictionary) value(i int32) []byte {
	at := d.entries[i].at
	return d.values[at : at+int32(binary.LittleEndian.Uint32(d.values[at-4:]))]
}

func (d *dictionary) grow() {
	old := d.slots
	d.slots = make([]slot, 2*len(old))
	for _, s := range old {
		if s.number == 0 {
			continue
		}
		at := d.place(s.hash)
		for d.slots[at].number != 0 {
			at = (at + 1) & (len(d.slots) - 1)
		}
		d.slots[at] = s
	}
}

// appendPage appends the data of the open page, and begins another.
func (d *dictionary) appendPage(b []byte) []byte {
	d.pages++
	return d.codes.appendPage(b)
}

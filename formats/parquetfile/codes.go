package parquetfile

import (
	"encoding/binary"
	"math/bits"
)

// codes are the numbers of values in a dictionary, which stand for them in pages.
type codes struct {
	n      int     // values in the dictionary
	page   []int32 // numbers of the values in the open page
	packed hybrid
}

// width returns the bits of a number.
func (c *codes) width() int {
	if c.n == 1 {
		return 1
	}
	return bits.Len(uint(max(c.n-1, 0)))
}

// pageSize returns the greatest size that the open page can have, as the library estimates it.
func (c *codes) pageSize() int64 {
	groups, width := (len(c.page)+7)/8, c.width()
	least := max(1+64*width, binary.MaxVarintLen32+(width+7)/8)
	return int64(1 + max(groups+groups*width, groups*(1+(width+7)/8)) + least)
}

// appendPage appends the data of the open page, and begins another.
func (c *codes) appendPage(b []byte) []byte {
	c.packed.reset(c.width())
	for _, i := range c.page {
		c.packed.put(uint32(i))
	}
	c.page = c.page[:0]
	b = append(b, byte(c.packed.width))
	return append(b, c.packed.end()...)
}

package neighbours

// sum is what sums are kept in: counts that fit, or floats.
type sum interface{ uint16 | uint32 | float64 }

// addOnes adds 1 to the sums of the columns of a row.
func addOnes[S uint16 | uint32](sums []S, columns []uint32) {
	for len(columns) >= 4 {
		sums[columns[0]]++
		sums[columns[1]]++
		sums[columns[2]]++
		sums[columns[3]]++
		columns = columns[4:]
	}
	for _, c := range columns {
		sums[c]++
	}
}

// addWeight adds w to the sums of the columns of a row.
func addWeight(sums []float64, columns []uint32, w float64) {
	for len(columns) >= 4 {
		sums[columns[0]] += w
		sums[columns[1]] += w
		sums[columns[2]] += w
		sums[columns[3]] += w
		columns = columns[4:]
	}
	for _, c := range columns {
		sums[c] += w
	}
}

// addValues adds w times their values to the sums of the columns of a row. The product is rounded before it is
// added: a fused operation on some processors would change the sums.
func addValues(sums []float64, columns []uint32, values []float32, w float64) {
	values = values[:len(columns)]
	for len(columns) >= 4 && len(values) >= 4 {
		sums[columns[0]] += float64(w * float64(values[0]))
		sums[columns[1]] += float64(w * float64(values[1]))
		sums[columns[2]] += float64(w * float64(values[2]))
		sums[columns[3]] += float64(w * float64(values[3]))
		columns, values = columns[4:], values[4:]
	}
	for k, c := range columns {
		sums[c] += float64(w * float64(values[k]))
	}
}

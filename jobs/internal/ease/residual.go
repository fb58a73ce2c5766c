package ease

import "math"

// Residual tells how exact the inverse R of A is: for a vector v of 1 and -1, the norm of A R v - v divided by that of v.
func (inv *Inverse) Residual() float64 { return inv.residual }

// check computes the residual, in float64. Products are rounded before they are added, as fused operations would change it. With Y for rows,
// A = Y Y' + lambda I.
func (inv *Inverse) check(rows, others Matrix) float64 {
	v := make([]float64, len(inv.active))
	for a := range v {
		v[a] = 1 - 2*float64(mix(uint64(a))&1)
	}
	solved := inv.times(v)
	through := make([]float64, others.Rows()) // Y' R v
	for a, i := range inv.active {
		columns, values := rows.Row(int(i))
		for q, c := range columns {
			through[c] += float64(weight(values, q) * solved[a])
		}
	}
	sum := 0.0
	for a, i := range inv.active {
		columns, values := rows.Row(int(i))
		r := float64(inv.lambda*solved[a]) - v[a]
		for q, c := range columns {
			r += float64(weight(values, q) * through[c])
		}
		sum += float64(r * r)
	}
	return math.Sqrt(sum / float64(max(1, len(v))))
}

// times is the inverse times a vector of 1 and -1.
func (inv *Inverse) times(v []float64) []float64 {
	product := make([]float64, inv.matrix.Panels()*width)
	panel := make([]float32, len(v)*width)
	for p := range inv.matrix.Panels() {
		inv.matrix.Panel(p, panel)
		sums := (*[width]float64)(product[p*width:])
		for a, x := range v {
			for c, y := range panel[a*width : (a+1)*width] {
				sums[c] += x * float64(y)
			}
		}
	}
	return product[:len(v)]
}

// mix is splitmix64, a hash.
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

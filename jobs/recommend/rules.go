package recommend

// Rules by which interactions are dropped.
const (
	ruleNonPositive = "nonpositive"
	ruleMinValue    = "min-value"
	ruleMinUser     = "min-user"
	ruleMinItem     = "min-item"
	ruleUnknownItem = "unknown-item" // with a model: it does not know the item
)

// dropped names the rule that leaves out a value, or nothing.
func (p *Params) dropped(value float64) string {
	switch {
	case p.MinValue == nil && value <= 0:
		return ruleNonPositive
	case p.MinValue != nil && value < *p.MinValue:
		return ruleMinValue
	}
	return ""
}

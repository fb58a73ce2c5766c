// Package rules reads rules about the attributes of items, and tells which items pass.
//
// # Text
//
// A rule is a comparison of a column, or a limit on how many items of one value a list may have:
//
//	price <= 20              <, <=, > and >=: both sides are numbers
//	language = en            = and !=: as numbers where both sides are numbers, else as texts
//	category in rock, pop    one of some values; "not in": none of them
//	max 3 per brand          at most 3 items of one value in a list
//
// Spaces around operators, commas and values do not count. A column with spaces, or with one of < > = ! , ", and a value with a comma, a quote or
// spaces at its ends stand between double quotes, in which a quote is written twice. Words (in, not, max, per) are in lower case.
//
// # Missing values
//
// An empty text, null, and NaN are no values. An item without a value passes no comparison, not even != and "not in"; no limit counts it.
package rules

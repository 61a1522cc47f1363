package guess

import "strings"

// Near reports whether the password is the email, what stands before its @, or
// nearly one of them: in other case, backwards, again and again, with symbols or a few digits
// around it, or with at most three of ten characters changed. (Django's
// UserAttributeSimilarityValidator draws the line at the same place, but counts
// letters without regard to their order, which meets phrases that have nothing to do with the email.)
func Near(password, email string) bool {
	local, _, _ := strings.Cut(email, "@")
	plain, _, _ := strings.Cut(local, "+")
	for _, whose := range []string{email, local, plain} {
		whose = Fold(whose)
		if len(whose) < 3 {
			continue
		}
		for _, w := range forms(password) {
			if u := unit(w); alike(w, whose) || alike(u, whose) || alike(w, reverse(whose)) || alike(u, reverse(whose)) {
				return true
			}
		}
	}
	return false
}

// alike reports whether a becomes b by changing at most three of ten characters.
func alike(a, b string) bool {
	x, y := []rune(a), []rune(b)
	most := 3 * max(len(x), len(y)) / 10
	return max(len(x), len(y))-min(len(x), len(y)) <= most && distance(x, y) <= most
}

// distance returns how many characters have to be added, removed or replaced to
// make y of x (Levenshtein).
func distance(x, y []rune) int {
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		before := row[0]
		row[0] = i + 1
		for j := range y {
			replace := before
			if x[i] != y[j] {
				replace++
			}
			before = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(y)]
}

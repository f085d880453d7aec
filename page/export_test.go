package page

import "time"

// SetPatience sets how long a message may take to come.
func (p *Page) SetPatience(d time.Duration) { p.patience = d }

// PathFor is the pattern with which the script compares the path of a page.
var PathFor = pathFor

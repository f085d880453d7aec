package page

import "time"

// SetPatience sets how long a message may take to come.
func (p *Page) SetPatience(d time.Duration) { p.patience = d }

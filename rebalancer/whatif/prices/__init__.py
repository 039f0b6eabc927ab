"""What each rule, group and limit costs now."""

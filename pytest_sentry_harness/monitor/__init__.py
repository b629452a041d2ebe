"""What a monitoring backend derives from what arrived: issues, notifications, figures. Pure over rows and a clock."""

"""What an inbound reply means and what to answer: rules, the offline classifier, and models behind one seam."""

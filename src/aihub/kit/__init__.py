"""What knows no word of our domain: ids, money, SQL, HTTP, errors, paging, grouping of writes."""

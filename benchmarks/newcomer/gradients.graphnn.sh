graphnn train book.yaml -o run
graphnn gradcheck book.yaml

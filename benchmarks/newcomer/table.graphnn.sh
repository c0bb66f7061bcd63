graphnn new iris --data iris.csv
graphnn gradcheck iris.yaml
graphnn train iris.yaml -o run
graphnn predict run new.csv -o found.csv

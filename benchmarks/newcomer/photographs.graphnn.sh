graphnn new stripes --data photos/
graphnn gradcheck stripes.yaml --entries 50
graphnn train stripes.yaml -o run
graphnn predict run new -o found.csv

import graphnn

run = graphnn.train("book.yaml", progress=True)
evaluation = graphnn.evaluate(run.network)
print("accuracy", evaluation.values["accuracy"])
evaluation.draw("confusion.png")

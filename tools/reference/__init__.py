"""The pages of docs/reference, made from the command line's tree, the contract and the code: path -> Markdown.

Knows neither where pages are written nor what is written there now.
"""

"""The main job: each skreg estimator against scikit-learn's class of the same name.

`pairs` says what is compared, `table` and `columns` bring the data, `search` times the grid
searches, `progress` and `report` tell about them.
"""
